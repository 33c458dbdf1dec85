#include "libs/cgroup/control_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "libs/base/errno_status.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/testing/fake_cgroup_fs.h"

namespace cloister::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ParsePids, TakesALinePerProcess) {
  EXPECT_THAT(ParsePids("12\n7\n4194303\n"), ElementsAre(12, 7, 4194303));
  EXPECT_THAT(ParsePids("12"), ElementsAre(12));
  EXPECT_THAT(ParsePids(""), IsEmpty());
}

TEST(ParsePids, KeepsTheZeroOfAnotherNamespaceAndSkipsWhatIsNoNumber) {
  EXPECT_THAT(ParsePids("0\nx\n99999999999999\n5\n"), ElementsAre(0, 5));
}

TEST(ParseCounter, FindsTheWholeKey) {
  constexpr char kEvents[] = "low 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 1\n";
  EXPECT_EQ(ParseCounter(kEvents, "oom_kill"), 2u);
  EXPECT_EQ(ParseCounter(kEvents, "oom"), 3u);
  EXPECT_EQ(ParseCounter(kEvents, "max"), 17u);
  EXPECT_EQ(ParseCounter(kEvents, "kill"), 0u);
  EXPECT_EQ(ParseCounter("usage_usec 18446744073709551615\n", "usage_usec"), ~uint64_t{0});
  EXPECT_EQ(ParseCounter("oom_kill\noom_kill x\n", "oom_kill"), 0u);
}

TEST(ControlFile, ErrorsBeginWithThePathAndCarryTheErrno) {
  FakeCgroupFs fs;
  fs.Add("a", {});
  const absl::Status status = WriteControlFile(FileAt(fs.root() + "/a/pids.max"), "1");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound,
                               fs.root() + "/a/pids.max: no such file or directory"));
  EXPECT_EQ(ErrnoOf(status), ENOENT);
  EXPECT_THAT(ReadControlFile({AT_FDCWD, "nope", "/shown"}),
              StatusIs(absl::StatusCode::kNotFound, "/shown/nope: no such file or directory"));
}

TEST(ControlFile, WritesAndReads) {
  FakeCgroupFs fs;
  fs.Add("a", {{"pids.max", ""}});
  EXPECT_THAT(WriteControlFile(FileAt(fs.root() + "/a/pids.max"), "12"), IsOk());
  EXPECT_THAT(ReadControlFile(FileAt(fs.root() + "/a/pids.max")), IsOkAndHolds("12"));
}

}  // namespace
}  // namespace cloister::cgroup
