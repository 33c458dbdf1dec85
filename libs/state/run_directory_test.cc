#include "libs/state/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/status_matchers.h"
#include "libs/state/layout.h"

namespace cloister::state {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RunDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    // Short, and not beneath TEST_TMPDIR: the point of a run directory is its length.
    base_ = "/tmp/crdXXXXXX";
    ASSERT_NE(mkdtemp(&base_[0]), nullptr);
    state_ = base_ + "/state";
    run_ = base_ + "/run";
    ASSERT_EQ(mkdir(state_.c_str(), 0700), 0);
  }

  void TearDown() override {
    EXPECT_THAT(RemoveRunDirectory(state_), IsOk());
    EXPECT_EQ(rmdir(state_.c_str()), 0) << "something is left in the state directory";
    EXPECT_EQ(rmdir(base_.c_str()), 0) << "the run directory is left";
  }

  std::string base_;
  std::string state_;
  std::string run_;
};

TEST_F(RunDirectoryTest, IsNamedByTheStateDirectoryAndEnteredByItsOwnerOnly) {
  absl::StatusOr<RunDirectory> made = RunDirectory::Make(state_, run_);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->path(), run_);
  absl::StatusOr<RunDirectory> found = RunDirectory::Find(state_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->path(), run_);
  struct stat facts;
  ASSERT_EQ(stat(run_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0700u);
}

TEST_F(RunDirectoryTest, IsFoundAgainByARestartedExecutor) {
  ASSERT_THAT(RunDirectory::Make(state_, run_), IsOk());
  std::ofstream(run_ + "/launcher-1.sock") << "still served";
  ASSERT_THAT(RunDirectory::Make(state_, run_), IsOk());
  EXPECT_EQ(access((run_ + "/launcher-1.sock").c_str(), F_OK), 0);
}

TEST_F(RunDirectoryTest, IsMadeAgainAfterAReboot) {
  ASSERT_THAT(RunDirectory::Make(state_, run_), IsOk());
  ASSERT_EQ(unlink((run_ + "/state").c_str()), 0);
  ASSERT_EQ(rmdir(run_.c_str()), 0);
  EXPECT_THAT(RunDirectory::Find(state_), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(RunDirectory::Make(state_, run_), IsOk());
}

TEST_F(RunDirectoryTest, BelongsToOneStateDirectory) {
  ASSERT_THAT(RunDirectory::Make(state_, run_), IsOk());
  const std::string other = base_ + "/other";
  ASSERT_EQ(mkdir(other.c_str(), 0700), 0);
  EXPECT_THAT(RunDirectory::Make(other, run_),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr(run_), HasSubstr(state_), HasSubstr(other))));
  ASSERT_EQ(rmdir(other.c_str()), 0);
}

TEST_F(RunDirectoryTest, RefusesOneThatOthersMayEnter) {
  ASSERT_EQ(mkdir(run_.c_str(), 0700), 0);
  ASSERT_EQ(chmod(run_.c_str(), 0711), 0);
  EXPECT_THAT(RunDirectory::Make(state_, run_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("mode 0711")));
  ASSERT_EQ(rmdir(run_.c_str()), 0);
}

TEST_F(RunDirectoryTest, RefusesOneThatOthersCouldReplace) {
  ASSERT_EQ(chmod(base_.c_str(), 0777), 0);
  EXPECT_THAT(RunDirectory::Make(state_, run_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("others could replace")));
  ASSERT_EQ(chmod(base_.c_str(), 0700), 0);
}

TEST_F(RunDirectoryTest, RefusesALinkInItsPlace) {
  ASSERT_EQ(symlink("/etc", run_.c_str()), 0);
  EXPECT_FALSE(RunDirectory::Make(state_, run_).ok());
  ASSERT_EQ(unlink(run_.c_str()), 0);
}

TEST_F(RunDirectoryTest, RefusesPathsThatAreNotCleanAndAbsolute) {
  for (const char* path : {"run", "/tmp/../run", "/tmp//run", "/tmp/run/", "/"}) {
    EXPECT_THAT(RunDirectory::Make(state_, path), StatusIs(absl::StatusCode::kInvalidArgument))
        << path;
  }
}

TEST_F(RunDirectoryTest, SaysThatASocketPathIsTooLong) {
  absl::StatusOr<RunDirectory> run = RunDirectory::Make(state_, run_);
  ASSERT_THAT(run, IsOk());
  EXPECT_THAT(run->SocketPath(LauncherSocket("17")),
              IsOkAndHolds(absl::StrCat(run_, "/launcher-17.sock")));
  const std::string fits(kMaxSocketPathBytes - run_.size() - 1, 'x');
  EXPECT_THAT(run->SocketPath(fits), IsOk());
  EXPECT_THAT(run->SocketPath(fits + "x"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("108 bytes"), HasSubstr("shorter --run_dir"))));
}

TEST_F(RunDirectoryTest, RemovalTakesTheSockets) {
  ASSERT_THAT(RunDirectory::Make(state_, run_), IsOk());
  std::ofstream(run_ + "/executor.sock") << "x";
  EXPECT_THAT(RemoveRunDirectory(state_), IsOk());
  EXPECT_NE(access(run_.c_str(), F_OK), 0);
  EXPECT_THAT(RemoveRunDirectory(state_), IsOk());
}

TEST(DefaultRunDirectory, IsShortAndOfTheStateDirectoryAlone) {
  const std::string deep(3000, 'd');
  EXPECT_THAT(DefaultRunDirectory(deep, 0), StartsWith("/run/cloister/"));
  EXPECT_LT(DefaultRunDirectory(deep, 0).size(), 40u);
  EXPECT_EQ(DefaultRunDirectory("/a", 0), DefaultRunDirectory("/a", 0));
  EXPECT_NE(DefaultRunDirectory("/a", 0), DefaultRunDirectory("/b", 0));
  EXPECT_THAT(DefaultRunDirectory("/a", 4'000'000), StartsWith("/tmp/cloister-4000000/"));
}

}  // namespace
}  // namespace cloister::state
