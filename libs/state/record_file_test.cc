#include "libs/state/record_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"

namespace cloister::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecordFileTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "recordXXXXXX";
    ASSERT_NE(mkdtemp(&path_[0]), nullptr);
    // O_PATH, as task directories are handed around.
    directory_ = *OpenDirectory(path_);
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    DIR* stream = opendir(path_.c_str());
    while (const dirent* entry = readdir(stream)) {
      if (std::string(entry->d_name) != "." && std::string(entry->d_name) != "..") {
        names.emplace_back(entry->d_name);
      }
    }
    closedir(stream);
    return names;
  }

  // What is on disk, without asking ReadRecord.
  std::string Raw(const std::string& name) const {
    OwnedFd fd(openat(directory_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
    std::string bytes(1 << 16, '\0');
    bytes.resize(static_cast<size_t>(read(fd.get(), &bytes[0], bytes.size())));
    return bytes;
  }

  void PutRaw(const std::string& name, const std::string& bytes) {
    OwnedFd fd(
        openat(directory_.get(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    ASSERT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  int directory() const { return directory_.get(); }

  std::string path_;
  OwnedFd directory_;
};

TEST_F(RecordFileTest, ReadsBackWhatWasWritten) {
  for (const std::string& bytes :
       {std::string(), std::string("a"), std::string("\0\n\xff", 3), std::string(100'000, 'x')}) {
    ASSERT_THAT(WriteRecord(directory(), "exit", bytes), IsOk());
    EXPECT_THAT(ReadRecord(directory(), "exit"), IsOkAndHolds(bytes));
  }
  EXPECT_THAT(Names(), ElementsAre("exit"));
}

TEST_F(RecordFileTest, IsReadableForItsOwnerOnly) {
  ASSERT_THAT(WriteRecord(directory(), "intent", "secret"), IsOk());
  struct stat facts;
  ASSERT_EQ(fstatat(directory(), "intent", &facts, AT_SYMLINK_NOFOLLOW), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600u);
}

TEST_F(RecordFileTest, SyncedRecordReadsTheSame) {
  ASSERT_THAT(WriteRecord(directory(), "exit", "synced", Durability::kSync), IsOk());
  EXPECT_THAT(ReadRecord(directory(), "exit"), IsOkAndHolds("synced"));
  EXPECT_THAT(SyncRecord(directory(), "exit"), IsOk());
  EXPECT_THAT(SyncRecord(directory(), "absent"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RecordFileTest, HasTheFormThatItsHeaderDraws) {
  ASSERT_THAT(WriteRecord(directory(), "exit", "123456789"), IsOk());
  EXPECT_EQ(Raw("exit"), std::string("CLR1\x09\0\0\0\x83\x92\x06\xe3", 12) + "123456789");
}

TEST_F(RecordFileTest, SaysWhichRecordIsNotThere) {
  EXPECT_THAT(ReadRecord(directory(), "exit"),
              StatusIs(absl::StatusCode::kNotFound,
                       absl::StrCat(path_, "/exit: no such file or directory")));
}

TEST_F(RecordFileTest, TellsEveryTornFile) {
  ASSERT_THAT(WriteRecord(directory(), "exit", "some bytes"), IsOk());
  const std::string whole = Raw("exit");
  for (size_t size = 0; size < whole.size(); ++size) {
    PutRaw("exit", whole.substr(0, size));
    EXPECT_THAT(ReadRecord(directory(), "exit"),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(absl::StrCat(path_, "/exit"))))
        << size;
  }
  PutRaw("exit", whole + "x");
  EXPECT_THAT(ReadRecord(directory(), "exit"), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RecordFileTest, TellsEveryFlippedBit) {
  ASSERT_THAT(WriteRecord(directory(), "exit", "some bytes"), IsOk());
  const std::string whole = Raw("exit");
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    PutRaw("exit", damaged);
    EXPECT_THAT(ReadRecord(directory(), "exit"), StatusIs(absl::StatusCode::kDataLoss)) << bit;
  }
}

TEST_F(RecordFileTest, TellsAFileThatACrashLeftFullOfZeros) {
  PutRaw("exit", std::string(4096, '\0'));
  EXPECT_THAT(ReadRecord(directory(), "exit"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("is no record")));
}

TEST_F(RecordFileTest, ReadsNoMoreThanTheCap) {
  PutRaw("exit", "");
  OwnedFd fd(openat(directory(), "exit", O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(ftruncate(fd.get(), off_t{1} << 40), 0);
  EXPECT_THAT(ReadRecord(directory(), "exit"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("larger than a record may be")));
  EXPECT_THAT(WriteRecord(directory(), "exit", std::string(kMaxRecordBytes + 1, 'x')),
              StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(RecordFileTest, TakesTheLargestRecord) {
  const std::string largest(kMaxRecordBytes, 'x');
  ASSERT_THAT(WriteRecord(directory(), "exit", largest), IsOk());
  EXPECT_THAT(ReadRecord(directory(), "exit"), IsOkAndHolds(largest));
}

TEST_F(RecordFileTest, IsNotHeldUpByWhatIsNoRegularFile) {
  ASSERT_EQ(mkfifoat(directory(), "fifo", 0600), 0);
  ASSERT_EQ(symlinkat("/etc/passwd", directory(), "link"), 0);
  EXPECT_THAT(ReadRecord(directory(), "fifo"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no regular file")));
  EXPECT_FALSE(ReadRecord(directory(), "link").ok());
}

TEST_F(RecordFileTest, WritesOverWhatACrashLeftBeside) {
  PutRaw(".exit.tmp", "half of something longer than the next one");
  ASSERT_THAT(WriteRecord(directory(), "exit", "new"), IsOk());
  EXPECT_THAT(ReadRecord(directory(), "exit"), IsOkAndHolds("new"));
  EXPECT_THAT(Names(), ElementsAre("exit"));
}

TEST_F(RecordFileTest, AFailedWriteLeavesTheOldRecordAndNothingBeside) {
  ASSERT_EQ(mkdirat(directory(), "exit", 0700), 0);
  EXPECT_THAT(WriteRecord(directory(), "exit", "new"),
              StatusIs(::testing::_, HasSubstr(absl::StrCat(path_, "/exit"))));
  EXPECT_THAT(Names(), ElementsAre("exit"));
}

TEST_F(RecordFileTest, RefusesNamesThatLeadElsewhere) {
  for (const char* name : {"", ".", "..", "a/b", "../exit"}) {
    EXPECT_THAT(WriteRecord(directory(), name, "x"), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(ReadRecord(directory(), name), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(Names(), IsEmpty());
}

}  // namespace
}  // namespace cloister::state
