#include "tools/cloister/dev_record.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

class DevRecordTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string directory = testing::TempDir() + "recordXXXXXX";
    ASSERT_NE(mkdtemp(&directory[0]), nullptr);
    path_ = directory + "/dev.json";
    absl::StatusOr<uint64_t> start = ProcessStartTime(getpid());
    ASSERT_THAT(start, IsOk());
    start_ = *start;
    record_.set_boot_id("boot");
  }

  std::string path_;
  uint64_t start_ = 0;
  internal::DevRecord record_;
};

TEST_F(DevRecordTest, ReadsWhatWasWritten) {
  record_.set_nodes(3);
  SetDevProcess("node-1", 17, 4711, &record_);
  SetDevProcess("node-1", 18, 4712, &record_);
  ASSERT_THAT(WriteDevRecord(path_, record_), IsOk());
  absl::StatusOr<internal::DevRecord> read = ReadDevRecord(path_);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->nodes(), 3);
  ASSERT_EQ(read->processes_size(), 1);
  EXPECT_EQ(read->processes(0).pid(), 18);
  EXPECT_EQ(read->processes(0).start_time_ticks(), 4712u);
  struct stat facts;
  ASSERT_EQ(stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(DevRecordTest, TellsNoneFromADamagedOne) {
  EXPECT_THAT(ReadDevRecord(path_), StatusIs(absl::StatusCode::kNotFound));
  std::ofstream(path_) << "{\"boot_id\": ";
  EXPECT_THAT(ReadDevRecord(path_), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(DevRecordTest, OpensTheRecordedProcess) {
  SetDevProcess("node-1", getpid(), start_, &record_);
  EXPECT_THAT(OpenDevProcess(record_, "node-1", "boot"), IsOk());
}

TEST_F(DevRecordTest, NeverOpensAStrangerWithTheSamePid) {
  SetDevProcess("node-1", getpid(), start_ - 1, &record_);
  EXPECT_THAT(OpenDevProcess(record_, "node-1", "boot"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(DevRecordTest, NeverOpensAProcessOfAnEarlierBoot) {
  SetDevProcess("node-1", getpid(), start_, &record_);
  EXPECT_THAT(OpenDevProcess(record_, "node-1", "later boot"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(DevRecordTest, AProcessThatWasAboutToStartIsNone) {
  SetDevProcess("node-1", 0, 0, &record_);
  EXPECT_THAT(OpenDevProcess(record_, "node-1", "boot"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(OpenDevProcess(record_, "node-2", "boot"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace cloister
