#include "libs/state/task_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"
#include "libs/state/layout.h"
#include "libs/state/record_file.h"

namespace cloister::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TaskDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "tasksXXXXXX";
    ASSERT_NE(mkdtemp(&path[0]), nullptr);
    tasks_ = *OpenDirectory(path);
  }

  int tasks() const { return tasks_.get(); }

  OwnedFd tasks_;
};

TEST_F(TaskDirectoryTest, IsMadeOnceForItsOwnerAlone) {
  absl::StatusOr<OwnedFd> made = CreateTaskDirectory(tasks(), "abc");
  ASSERT_THAT(made, IsOk());
  ASSERT_THAT(WriteRecord(made->get(), kIntentRecord, "first"), IsOk());
  absl::StatusOr<OwnedFd> again = CreateTaskDirectory(tasks(), "abc");
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(ReadRecord(again->get(), kIntentRecord), IsOkAndHolds("first"));
  struct stat facts;
  ASSERT_EQ(fstat(again->get(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0700u);
}

// As many as are open, and `spare` more.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t spare) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const OwnedFd lowest(open("/", O_PATH | O_CLOEXEC));
    const rlimit few = {static_cast<rlim_t>(lowest.get()) + spare, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

TEST_F(TaskDirectoryTest, WithoutDescriptorsNoneIsMadeOrMissing) {
  ASSERT_THAT(CreateTaskDirectory(tasks(), "there"), IsOk());
  {
    const FewDescriptors none(0);
    const absl::Status made = CreateTaskDirectory(tasks(), "abc").status();
    EXPECT_TRUE(IsShortage(made)) << made;
    EXPECT_TRUE(IsShortage(CreateTaskDirectory(tasks(), "there").status()));
    EXPECT_TRUE(IsShortage(ListTaskDirectories(tasks()).status()));
    EXPECT_TRUE(IsShortage(RemoveTaskDirectory(tasks(), "there").status()));
    EXPECT_THAT(RemoveTaskDirectory(tasks(), "abc"), IsOkAndHolds(Removal::kDone));
  }
  const FewDescriptors one(1);
  EXPECT_THAT(ListTaskDirectories(tasks()), IsOkAndHolds(ElementsAre("there")));
}

TEST_F(TaskDirectoryTest, RefusesADirectoryThatOthersMayEnter) {
  ASSERT_EQ(mkdirat(tasks(), "abc", 0700), 0);
  ASSERT_EQ(fchmodat(tasks(), "abc", 0755, 0), 0);
  EXPECT_THAT(CreateTaskDirectory(tasks(), "abc"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("task directory 'abc'")));
}

TEST_F(TaskDirectoryTest, RefusesALinkInItsPlace) {
  ASSERT_EQ(symlinkat("/tmp", tasks(), "abc"), 0);
  EXPECT_FALSE(CreateTaskDirectory(tasks(), "abc").ok());
  EXPECT_FALSE(OpenTaskDirectory(tasks(), "abc").ok());
}

TEST_F(TaskDirectoryTest, RefusesIdsThatLeadElsewhere) {
  for (const std::string& id : {std::string(""), std::string("."), std::string(".."),
                                std::string("a/b"), std::string("../x"), std::string(".hidden"),
                                std::string("a\0b", 3), std::string(256, 'a')}) {
    EXPECT_THAT(CreateTaskDirectory(tasks(), id), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(OpenTaskDirectory(tasks(), id), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(RemoveTaskDirectory(tasks(), id), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_F(TaskDirectoryTest, ListsTaskDirectoriesAndNothingElse) {
  EXPECT_THAT(ListTaskDirectories(tasks()), IsOkAndHolds(IsEmpty()));
  ASSERT_THAT(CreateTaskDirectory(tasks(), "b"), IsOk());
  ASSERT_THAT(CreateTaskDirectory(tasks(), "a"), IsOk());
  ASSERT_EQ(mkdirat(tasks(), ".hidden", 0700), 0);
  ASSERT_EQ(symlinkat("a", tasks(), "link"), 0);
  ASSERT_THAT(WriteRecord(tasks(), "file", "x"), IsOk());
  EXPECT_THAT(ListTaskDirectories(tasks()), IsOkAndHolds(ElementsAre("a", "b")));
}

TEST_F(TaskDirectoryTest, RemovalTakesEverythingAndMayBeRepeated) {
  absl::StatusOr<OwnedFd> task = CreateTaskDirectory(tasks(), "abc");
  ASSERT_THAT(task, IsOk());
  for (const char* record : {kIntentRecord, kLaunchRecord, kExitRecord}) {
    ASSERT_THAT(WriteRecord(task->get(), record, "x"), IsOk());
  }
  for (const char* directory : {kLogsDirectory, kLocalDirectory, kTmpDirectory}) {
    ASSERT_EQ(mkdirat(task->get(), directory, 0700), 0);
  }
  ASSERT_EQ(symlinkat("/", task->get(), "local/root"), 0);
  EXPECT_THAT(RemoveTaskDirectory(tasks(), "abc"), IsOk());
  EXPECT_THAT(
      OpenTaskDirectory(tasks(), "abc"),
      StatusIs(absl::StatusCode::kNotFound, "task directory 'abc': no such file or directory"));
  EXPECT_THAT(RemoveTaskDirectory(tasks(), "abc"), IsOk());
}

}  // namespace
}  // namespace cloister::state
