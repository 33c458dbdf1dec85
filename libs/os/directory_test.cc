#include "libs/os/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

class DirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "dXXXXXX";
    ASSERT_NE(mkdtemp(&path[0]), nullptr);
    directory_ = *OpenDirectory(path);
  }
  OwnedFd directory_;
};

TEST_F(DirectoryTest, MakesOnceAndOpensAgain) {
  ASSERT_THAT(MakeDirectory(directory_.get(), "a", 0711, geteuid(), getegid()), IsOk());
  absl::StatusOr<OwnedFd> again = MakeDirectory(directory_.get(), "a", 0750, geteuid(), getegid());
  ASSERT_THAT(again, IsOk());
  struct stat facts;
  ASSERT_EQ(fstat(again->get(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0750u);
}

TEST_F(DirectoryTest, NeverFollowsALink) {
  ASSERT_EQ(symlinkat("/etc", directory_.get(), "link"), 0);
  EXPECT_FALSE(MakeDirectory(directory_.get(), "link", 0700, geteuid(), getegid()).ok());
  EXPECT_FALSE(OpenBeneath(directory_.get(), "link/passwd", O_RDONLY).ok());
  EXPECT_FALSE(OpenBeneath(directory_.get(), "link", O_RDONLY).ok());
}

TEST_F(DirectoryTest, NeverLeavesTheDirectory) {
  EXPECT_FALSE(OpenBeneath(directory_.get(), "..", O_RDONLY).ok());
  EXPECT_FALSE(OpenBeneath(directory_.get(), "/etc", O_RDONLY).ok());
}

TEST_F(DirectoryTest, ErrorNamesThePath) {
  EXPECT_THAT(OpenBeneath(directory_.get(), "absent", O_RDONLY),
              StatusIs(absl::StatusCode::kNotFound,
                       testing::HasSubstr("'absent': no such file or directory")));
}

}  // namespace
}  // namespace cloister
