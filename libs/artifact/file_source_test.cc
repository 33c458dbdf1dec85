#include "libs/artifact/file_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

// A root of the test's own with /srv/files (listed) and /etc/secret (not).
class OpenFileSourceTest : public ::testing::Test {
 protected:
  OpenFileSourceTest() {
    top_ = absl::StrCat(::testing::TempDir(), "/root.XXXXXX");
    EXPECT_NE(mkdtemp(&top_[0]), nullptr);
    for (const char* directory : {"/srv", "/srv/files", "/srv/files/sub", "/etc", "/srv/files2"}) {
      EXPECT_EQ(mkdir((top_ + directory).c_str(), 0755), 0);
    }
    for (const char* file :
         {"/srv/files/a b", "/srv/files/sub/x", "/etc/secret", "/srv/files2/x"}) {
      std::ofstream(top_ + file) << file;
    }
    EXPECT_EQ(symlink("../../etc/secret", (top_ + "/srv/files/link").c_str()), 0);
    EXPECT_EQ(symlink("../../etc", (top_ + "/srv/files/dir").c_str()), 0);
    EXPECT_EQ(symlink("x", (top_ + "/srv/files/sub/inner").c_str()), 0);
    EXPECT_EQ(mkfifo((top_ + "/srv/files/fifo").c_str(), 0644), 0);
    root_ = *OpenDirectory(top_);
  }

  absl::StatusOr<OwnedFd> Open(absl::string_view url) {
    return OpenFileSource(root_.get(), url, {"/srv/files/"});
  }

  std::string top_;
  OwnedFd root_;
};

TEST_F(OpenFileSourceTest, OpensWhatIsListed) {
  for (const char* url :
       {"file:///srv/files/a%20b", "file:///srv/files/sub/x", "file:///srv//files/./sub/../sub/x",
        "file://localhost/srv/files/sub/x"}) {
    const absl::StatusOr<OwnedFd> fd = Open(url);
    ASSERT_THAT(fd, IsOk()) << url;
    char text[64] = {};
    EXPECT_GT(read(fd->get(), text, sizeof(text)), 0);
  }
}

TEST_F(OpenFileSourceTest, RefusesWhatIsNot) {
  for (const char* url :
       {"file:///etc/secret", "file:///srv/files/../../etc/secret", "file:///srv/files2/x",
        "file:///srv/files", "file:///srv/files/", "file:///",
        "file:///srv/files/%2e%2e/%2e%2e/etc/secret", "file:///etc/not-there"}) {
    EXPECT_THAT(Open(url).status(), StatusIs(absl::StatusCode::kPermissionDenied)) << url;
  }
  EXPECT_THAT(OpenFileSource(root_.get(), "file:///srv/files/sub/x", {}).status(),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(OpenFileSourceTest, FollowsNoLink) {
  for (const char* url :
       {"file:///srv/files/link", "file:///srv/files/dir/secret", "file:///srv/files/sub/inner"}) {
    EXPECT_FALSE(Open(url).ok()) << url;
  }
}

TEST_F(OpenFileSourceTest, OpensADirectoryBeneathWhatIsListed) {
  const absl::StatusOr<OwnedFd> fd = Open("file:///srv/files/sub/");
  ASSERT_THAT(fd, IsOk());
  EXPECT_EQ(faccessat(fd->get(), "x", F_OK, 0), 0);
}

TEST_F(OpenFileSourceTest, OpensNothingElse) {
  EXPECT_THAT(Open("file:///srv/files/fifo").status(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Open("file:///srv/files/none").status(), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(OpenFileSourceTest, TakesFileUrlsOnly) {
  for (const char* url : {"http://x/srv/files/sub/x", "file://other.host/srv/files/sub/x",
                          "/srv/files/sub/x", "file:///srv/files/%00", "file:srv/files/sub/x"}) {
    EXPECT_FALSE(Open(url).ok()) << url;
  }
}

}  // namespace
}  // namespace cloister::artifact
