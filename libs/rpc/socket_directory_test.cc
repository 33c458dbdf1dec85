#include "libs/rpc/socket_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_matchers.h"

namespace cloister::rpc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SocketDirectoryTest : public ::testing::Test {
 protected:
  SocketDirectoryTest() {
    base_ = absl::StrCat(::testing::TempDir(), "/socket_directory_XXXXXX");
    EXPECT_NE(mkdtemp(base_.data()), nullptr);  // Mode 0700.
  }

  std::string Make(const std::string& name, mode_t mode) {
    const std::string path = absl::StrCat(base_, "/", name);
    EXPECT_EQ(mkdir(path.c_str(), 0700), 0);
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }

  std::string base_;
};

TEST_F(SocketDirectoryTest, OursAloneIsGood) {
  EXPECT_THAT(CheckSocketDirectory(absl::StrCat(base_, "/s")), IsOk());
  EXPECT_THAT(CheckSocketDirectory(absl::StrCat(Make("a", 0755), "/s")), IsOk());
}

TEST_F(SocketDirectoryTest, TheRootDirectoryIsAsGoodAsAnyOther) {
  EXPECT_THAT(CheckSocketDirectory("/s"), IsOk());
}

TEST_F(SocketDirectoryTest, OneThatOthersWriteIsRefused) {
  for (mode_t mode : {0777, 0775, 0757, 0720, 0702}) {
    const std::string directory = Make(absl::StrCat("m", mode), mode);
    EXPECT_THAT(CheckSocketDirectory(absl::StrCat(directory, "/s")),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(directory), HasSubstr("written by others"))));
  }
}

TEST_F(SocketDirectoryTest, AStickyOneMayBeOnTheWayButNotTheLast) {
  const std::string sticky = Make("sticky", 01777);
  EXPECT_THAT(CheckSocketDirectory(absl::StrCat(sticky, "/s")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("mode 1777")));
  Make("sticky/own", 0700);
  EXPECT_THAT(CheckSocketDirectory(absl::StrCat(sticky, "/own/s")), IsOk());
}

TEST_F(SocketDirectoryTest, OneAboveThatOthersWriteIsRefused) {
  const std::string open = Make("open", 0777);
  Make("open/own", 0700);
  EXPECT_THAT(CheckSocketDirectory(absl::StrCat(open, "/own/s")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(absl::StrCat(open, "'"))));
}

TEST_F(SocketDirectoryTest, ALinkIntoADirectoryOfOthersIsRefused) {
  const std::string open = Make("open", 0777);
  Make("open/own", 0700);
  const std::string link = absl::StrCat(base_, "/link");
  ASSERT_EQ(symlink(absl::StrCat(open, "/own").c_str(), link.c_str()), 0);
  EXPECT_THAT(CheckSocketDirectory(absl::StrCat(link, "/s")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("/open' can be written")));
}

TEST_F(SocketDirectoryTest, ALinkOutOfADirectoryOfOthersIsRefused) {
  const std::string open = Make("open", 0777);
  const std::string link = absl::StrCat(open, "/link");
  ASSERT_EQ(symlink(base_.c_str(), link.c_str()), 0);
  EXPECT_THAT(CheckSocketDirectory(absl::StrCat(link, "/s")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(absl::StrCat(open, "'"))));
}

TEST_F(SocketDirectoryTest, OneThatIsNotThereIsRefused) {
  EXPECT_THAT(CheckSocketDirectory(absl::StrCat(base_, "/none/s")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("/none"), HasSubstr("no such file or directory"))));
}

TEST_F(SocketDirectoryTest, AFileIsRefused) {
  EXPECT_THAT(CheckSocketDirectory("/proc/self/status/s"),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace cloister::rpc
