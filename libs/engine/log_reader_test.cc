#include "libs/engine/log_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/testing/temporary_directory.h"

namespace cloister::engine {
namespace {

// Counts calls, and blocks until there were enough.
class Bell {
 public:
  std::function<void()> ringer() {
    return [state = state_] {
      absl::MutexLock lock(&state->mutex);
      ++state->rings;
    };
  }
  void AwaitRings(int count) {
    absl::MutexLock lock(&state_->mutex);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex) {
      return state_->rings >= count;
    };
    state_->mutex.Await(absl::Condition(&enough));
  }
  int rings() const {
    absl::MutexLock lock(&state_->mutex);
    return state_->rings;
  }

 private:
  struct State {
    absl::Mutex mutex;
    int rings = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class LogReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto follower = LogFollower::Create();
    ASSERT_THAT(follower, IsOk());
    follower_ = *std::move(follower);
  }

  void Write(const std::string& bytes) {
    OwnedFd file(
        open((directory_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ASSERT_EQ(write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  std::shared_ptr<LogReader> Reader(bool follow, uint64_t offset = 0) {
    const std::string path = directory_ / "log";
    return std::make_shared<LogReader>(
        [path]() -> absl::StatusOr<OwnedFd> {
          OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
          if (!file.valid()) return ErrnoStatus(errno, path);
          return file;
        },
        offset, follow ? follower_.get() : nullptr, bell_.ringer());
  }

  // "3:abc" for data at offset 3, "nothing", "end".
  std::string Next(LogReader& reader) {
    uint64_t offset = 0;
    std::string data;
    auto poll = reader.Next(&offset, &data);
    if (!poll.ok()) return poll.status().ToString();
    if (*poll == LogReader::Poll::kNothing) return "nothing";
    if (*poll == LogReader::Poll::kEnd) return "end";
    return absl::StrCat(offset, ":", data);
  }

  TemporaryDirectory directory_;
  Bell bell_;
  std::unique_ptr<LogFollower> follower_;
};

TEST_F(LogReaderTest, WithoutFollowItEndsWithWhatIsThere) {
  Write("hello");
  auto reader = Reader(/*follow=*/false);
  EXPECT_EQ(Next(*reader), "0:hello");
  EXPECT_EQ(Next(*reader), "end");
}

TEST_F(LogReaderTest, WithoutFollowAnOutputThatIsNotThereIsEmpty) {
  EXPECT_EQ(Next(*Reader(/*follow=*/false)), "end");
}

TEST_F(LogReaderTest, ItBeginsAtTheOffset) {
  Write("hello");
  auto reader = Reader(/*follow=*/false, 3);
  EXPECT_EQ(Next(*reader), "3:lo");
  EXPECT_EQ(Next(*Reader(/*follow=*/false, 9)), "end");
}

TEST_F(LogReaderTest, AChunkIsBounded) {
  Write(std::string(kMaxLogChunkBytes + 1, 'x'));
  auto reader = Reader(/*follow=*/false);
  EXPECT_EQ(Next(*reader).size(), kMaxLogChunkBytes + 2);
  EXPECT_EQ(Next(*reader), absl::StrCat(kMaxLogChunkBytes, ":x"));
}

TEST_F(LogReaderTest, AFollowerIsCalledWhenTheFileGrows) {
  Write("a");
  auto reader = Reader(/*follow=*/true);
  EXPECT_EQ(Next(*reader), "0:a");
  EXPECT_EQ(Next(*reader), "nothing");
  Write("b");
  bell_.AwaitRings(1);
  EXPECT_EQ(Next(*reader), "1:b");
}

TEST_F(LogReaderTest, AFollowerOfAnOutputThatComesLaterSeesItFromTheStart) {
  auto reader = Reader(/*follow=*/true);
  EXPECT_EQ(Next(*reader), "nothing");
  Write("a");
  reader->Look();
  EXPECT_EQ(bell_.rings(), 1);
  EXPECT_EQ(Next(*reader), "0:a");
  EXPECT_EQ(Next(*reader), "nothing");
  Write("b");
  bell_.AwaitRings(2);
  EXPECT_EQ(Next(*reader), "1:b");
}

TEST_F(LogReaderTest, TheEndComesAfterTheLastByte) {
  Write("a");
  auto reader = Reader(/*follow=*/true);
  reader->OutputEnded();
  EXPECT_EQ(Next(*reader), "0:a");
  EXPECT_EQ(Next(*reader), "end");
}

TEST_F(LogReaderTest, ASleepingFollowerIsCalledAtTheEnd) {
  auto reader = Reader(/*follow=*/true);
  EXPECT_EQ(Next(*reader), "nothing");
  reader->OutputEnded();
  EXPECT_EQ(bell_.rings(), 1);
  EXPECT_EQ(Next(*reader), "end");
}

TEST_F(LogReaderTest, ACancelledReaderIsNotCalled) {
  Write("a");
  auto reader = Reader(/*follow=*/true);
  EXPECT_EQ(Next(*reader), "0:a");
  EXPECT_EQ(Next(*reader), "nothing");
  reader->Cancel();
  reader->OutputEnded();
  EXPECT_EQ(bell_.rings(), 0);
  EXPECT_EQ(Next(*reader), "end");
}

TEST_F(LogReaderTest, AnOutputThatCannotBeOpenedIsAnError) {
  LogReader reader([]() -> absl::StatusOr<OwnedFd> { return absl::PermissionDeniedError("no"); }, 0,
                   nullptr, [] {});
  uint64_t offset;
  std::string data;
  EXPECT_THAT(reader.Next(&offset, &data), StatusIs(absl::StatusCode::kPermissionDenied));
}

// Readers on threads of their own, all on one file that grows meanwhile; each sees every byte.
TEST_F(LogReaderTest, ManyFollowersOfOneFileSeeAllOfIt) {
  constexpr int kReaders = 4;
  constexpr int kWrites = 200;
  Write("");
  std::vector<std::shared_ptr<LogReader>> readers;
  std::vector<Bell> bells(kReaders);
  const std::string path = directory_ / "log";
  for (Bell& bell : bells) {
    readers.push_back(std::make_shared<LogReader>(
        [path]() -> absl::StatusOr<OwnedFd> {
          return OwnedFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        },
        0, follower_.get(), bell.ringer()));
  }
  std::vector<size_t> seen(kReaders, 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < kReaders; ++i) {
    threads.emplace_back([&, i] {
      int sleeps = 0;
      uint64_t offset;
      std::string data;
      while (true) {
        auto poll = readers[i]->Next(&offset, &data);
        ASSERT_THAT(poll, IsOk());
        if (*poll == LogReader::Poll::kEnd) return;
        if (*poll == LogReader::Poll::kData) {
          ASSERT_EQ(offset, seen[i]);
          seen[i] += data.size();
        } else {
          bells[i].AwaitRings(++sleeps);
        }
      }
    });
  }
  for (int i = 0; i < kWrites; ++i) Write("0123456789");
  for (const auto& reader : readers) reader->OutputEnded();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(seen, testing::Each(kWrites * 10));
}

}  // namespace
}  // namespace cloister::engine
