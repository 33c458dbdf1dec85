#include "libs/logs/log_pump.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace logs {
namespace {

struct Ends {
  OwnedFd read;
  OwnedFd write;
};

Ends MakePipe() {
  int fds[2];
  EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
  EXPECT_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
  return {OwnedFd(fds[0]), OwnedFd(fds[1])};
}

std::string Contents(int fd) {
  struct stat facts;
  EXPECT_EQ(fstat(fd, &facts), 0);
  std::string contents(static_cast<size_t>(facts.st_size), '\0');
  EXPECT_EQ(pread(fd, &contents[0], contents.size(), 0), facts.st_size);
  return contents;
}

TEST(LogPump, WritesAllThatWasWrittenBeforeTheEnd) {
  auto pump = LogPump::Start();
  ASSERT_THAT(pump, IsOk());
  OwnedFd file(memfd_create("log", MFD_CLOEXEC));
  Ends ends = MakePipe();
  auto id = (*pump)->Add(std::move(ends.read), OwnedFd(), OwnedFd(dup(file.get())));
  ASSERT_THAT(id, IsOk());
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = "line " + std::to_string(i) + std::string(1000, 'x') + "\n";
    ASSERT_EQ(write(ends.write.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
    expected += line;
  }
  ends.write.reset();
  const LogTotals totals = (*pump)->Finish(*id);
  EXPECT_EQ(totals.written, expected.size());
  EXPECT_EQ(totals.dropped, 0u);
  EXPECT_EQ(Contents(file.get()), expected);
}

TEST(LogPump, DoesNotWaitForAWriterThatLivesOn) {
  auto pump = LogPump::Start();
  ASSERT_THAT(pump, IsOk());
  OwnedFd file(memfd_create("log", MFD_CLOEXEC));
  Ends ends = MakePipe();
  auto id = (*pump)->Add(std::move(ends.read), OwnedFd(), OwnedFd(dup(file.get())));
  ASSERT_THAT(id, IsOk());
  ASSERT_EQ(write(ends.write.get(), "x", 1), 1);
  EXPECT_EQ((*pump)->Finish(*id).written, 1u);
  EXPECT_EQ(Contents(file.get()), "x");
}

TEST(LogPump, MovesAllWhereNoEndOfFileEverComes) {
  auto pump = LogPump::Start();
  ASSERT_THAT(pump, IsOk());
  OwnedFd file(memfd_create("log", MFD_CLOEXEC));
  Ends ends = MakePipe();
  auto id =
      (*pump)->Add(std::move(ends.read), OwnedFd(dup(ends.write.get())), OwnedFd(dup(file.get())));
  ASSERT_THAT(id, IsOk());
  ASSERT_EQ(write(ends.write.get(), "one\n", 4), 4);
  // By the thread, before the end.
  while (Contents(file.get()).empty()) std::this_thread::yield();
  ASSERT_EQ(write(ends.write.get(), "two\n", 4), 4);
  ends.write.reset();
  EXPECT_EQ((*pump)->Finish(*id).written, 8u);
  EXPECT_EQ(Contents(file.get()), "one\ntwo\n");
}

TEST(LogPump, CountsWhatTheDiskRefusesAndKeepsTheWriterGoing) {
  auto pump = LogPump::Start();
  ASSERT_THAT(pump, IsOk());
  OwnedFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  Ends ends = MakePipe();
  auto id = (*pump)->Add(std::move(ends.read), OwnedFd(), std::move(full));
  ASSERT_THAT(id, IsOk());
  const std::string much(1 << 20, 'x');
  ASSERT_EQ(write(ends.write.get(), much.data(), much.size()), static_cast<ssize_t>(much.size()));
  ends.write.reset();
  const LogTotals totals = (*pump)->Finish(*id);
  EXPECT_EQ(totals.written, 0u);
  EXPECT_EQ(totals.dropped, much.size());
}

TEST(LogPump, FinishTwiceIsHarmless) {
  auto pump = LogPump::Start();
  ASSERT_THAT(pump, IsOk());
  Ends ends = MakePipe();
  auto id =
      (*pump)->Add(std::move(ends.read), OwnedFd(), OwnedFd(memfd_create("log", MFD_CLOEXEC)));
  ASSERT_THAT(id, IsOk());
  (*pump)->Finish(*id);
  EXPECT_EQ((*pump)->Finish(*id).written, 0u);
}

}  // namespace
}  // namespace logs
}  // namespace cloister
