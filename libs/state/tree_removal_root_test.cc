#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"
#include "libs/state/tree_removal.h"

namespace cloister::state {
namespace {

using ::testing::HasSubstr;

class TreeRemovalRootTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) {
      if (getenv("CLOISTER_REQUIRE_ROOT") != nullptr) FAIL() << "needs root";
      GTEST_SKIP() << "needs root";
    }
    path_ = testing::TempDir() + "rootXXXXXX";
    ASSERT_NE(mkdtemp(&path_[0]), nullptr);
    top_ = *OpenDirectory(path_);
  }

  void TearDown() override {
    if (path_.empty()) return;
    EXPECT_THAT(Remove(), IsOk());
    EXPECT_EQ(rmdir(path_.c_str()), 0);
  }

  void Make(const std::string& name) { ASSERT_EQ(mkdir((path_ + name).c_str(), 0700), 0); }

  absl::Status Remove() { return RemoveContents(top_.get(), path_, ""); }

  // False where the file system has no such flags (tmpfs before 6.6).
  static bool SetFlags(const std::string& path, int flags) {
    const OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) == 0;
  }

  std::string path_;
  OwnedFd top_;
};

TEST_F(TreeRemovalRootTest, DoesNotCrossAMountAndNamesIt) {
  Make("/d");
  Make("/d/mounted");
  Make("/other");
  ASSERT_EQ(mount("tmpfs", (path_ + "/d/mounted").c_str(), "tmpfs", 0, nullptr), 0);
  std::ofstream(path_ + "/d/mounted/canary") << "alive";
  EXPECT_THAT(Remove(), StatusIs(::testing::_, HasSubstr(path_ + "/d/mounted (a mount point")));
  EXPECT_EQ(access((path_ + "/d/mounted/canary").c_str(), F_OK), 0);
  EXPECT_NE(access((path_ + "/other").c_str(), F_OK), 0) << "the rest goes all the same";
  ASSERT_EQ(umount((path_ + "/d/mounted").c_str()), 0);
}

TEST_F(TreeRemovalRootTest, DoesNotCrossABindMountOfTheSameFileSystem) {
  Make("/source");
  std::ofstream(path_ + "/source/canary") << "alive";
  Make("/victim");
  Make("/victim/bound");
  ASSERT_EQ(mount((path_ + "/source").c_str(), (path_ + "/victim/bound").c_str(), nullptr, MS_BIND,
                  nullptr),
            0);
  const OwnedFd victim = *OpenDirectory(path_ + "/victim");
  EXPECT_THAT(RemoveContents(victim.get(), "victim", ""),
              StatusIs(::testing::_, HasSubstr("victim/bound (a mount point")));
  EXPECT_EQ(access((path_ + "/source/canary").c_str(), F_OK), 0);
  ASSERT_EQ(umount((path_ + "/victim/bound").c_str()), 0);
}

TEST_F(TreeRemovalRootTest, SaysThatAFileIsImmutable) {
  Make("/d");
  const std::string file = path_ + "/d/file";
  std::ofstream(file) << "x";
  if (!SetFlags(file, FS_IMMUTABLE_FL)) GTEST_SKIP() << "no immutable files on this file system";
  EXPECT_THAT(Remove(), StatusIs(absl::StatusCode::kPermissionDenied,
                                 HasSubstr("/d/file (immutable or append-only: chattr -ia it)")));
  ASSERT_TRUE(SetFlags(file, 0));
}

TEST_F(TreeRemovalRootTest, SaysThatADirectoryIsAppendOnly) {
  Make("/d");
  std::ofstream(path_ + "/d/file") << "x";
  if (!SetFlags(path_ + "/d", FS_APPEND_FL))
    GTEST_SKIP() << "no append-only files on this file system";
  EXPECT_THAT(Remove(), StatusIs(absl::StatusCode::kPermissionDenied,
                                 HasSubstr("/d (immutable or append-only: chattr -ia it)")));
  ASSERT_TRUE(SetFlags(path_ + "/d", 0));
}

// On the disk's file system, whose directory listing changes while it is taken apart.
TEST_F(TreeRemovalRootTest, TakesABroadTreeOnDisk) {
  Make("/d");
  for (int i = 0; i < 2000; ++i) {
    const OwnedFd file(
        open(absl::StrCat(path_, "/d/", i).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(file.valid());
  }
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_NE(access((path_ + "/d").c_str(), F_OK), 0);
}

TEST_F(TreeRemovalRootTest, RemovesWhatATaskMadeUnreadable) {
  Make("/d");
  Make("/d/e");
  std::ofstream(path_ + "/d/e/file") << "x";
  ASSERT_EQ(chown((path_ + "/d/e").c_str(), 65534, 65534), 0);
  ASSERT_EQ(chmod((path_ + "/d/e").c_str(), 0), 0);
  EXPECT_THAT(Remove(), IsOk());
  EXPECT_NE(access((path_ + "/d").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace cloister::state
