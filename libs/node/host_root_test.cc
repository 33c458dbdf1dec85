#include "libs/node/host_root.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/node/testing/fake_root.h"

namespace cloister::node {
namespace {

using ::testing::HasSubstr;
using Kind = HostPath::Kind;

class HostRootTest : public testing::Test {
 protected:
  HostRoot Open() { return *HostRoot::Open(fake_.path()); }
  HostPath LookAt(const std::string& path) {
    const auto found = Open().LookAt(path);
    EXPECT_THAT(found, IsOk());
    return found.value_or(HostPath());
  }
  FakeRoot fake_;
};

TEST_F(HostRootTest, ReadsFilesUnderItself) {
  fake_.AddFile("/proc/x", "one\ntwo \n");
  EXPECT_THAT(Open().ReadText("/proc/x"), IsOkAndHolds("one\ntwo \n"));
  EXPECT_THAT(Open().ReadLine("/proc/x"), IsOkAndHolds("one\ntwo"));
}

TEST_F(HostRootTest, NamesTheFileThatItCannotRead) {
  EXPECT_THAT(Open().ReadText("/proc/x"), StatusIs(absl::StatusCode::kNotFound,
                                                   "openat2 '/proc/x': no such file or directory"));
  EXPECT_THAT(HostRoot::Open(fake_.path() + "/none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none'")));
}

TEST_F(HostRootTest, TellsDirectoriesFilesAndOthers) {
  fake_.AddDirectory("/usr");
  fake_.AddFile("/etc/hosts", "");
  ASSERT_EQ(mkfifo((fake_.path() + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(LookAt("/usr").kind, Kind::kDirectory);
  EXPECT_EQ(LookAt("/usr").resolved, "/usr");
  EXPECT_FALSE(LookAt("/usr").is_link);
  EXPECT_EQ(LookAt("/etc/hosts").kind, Kind::kFile);
  EXPECT_EQ(LookAt("/fifo").kind, Kind::kOther);
  EXPECT_EQ(LookAt("/").kind, Kind::kDirectory);
  EXPECT_EQ(LookAt("/").resolved, "/");
}

TEST_F(HostRootTest, WhatIsNotThereIsMissing) {
  fake_.AddFile("/file", "");
  for (const char* path : {"/none", "/none/at/all", "/file/below"}) {
    EXPECT_EQ(LookAt(path).kind, Kind::kMissing) << path;
    EXPECT_EQ(LookAt(path).resolved, "") << path;
    EXPECT_FALSE(LookAt(path).exists()) << path;
    EXPECT_FALSE(Open().Exists(path)) << path;
  }
}

TEST_F(HostRootTest, FollowsLinksAndRemembersThatTheyWereOnes) {
  fake_.AddDirectory("/usr/bin");
  fake_.AddLink("/bin", "usr/bin");
  fake_.AddLink("/lib", "/usr/lib");
  fake_.AddDirectory("/usr/lib");
  EXPECT_EQ(LookAt("/bin").kind, Kind::kDirectory);
  EXPECT_TRUE(LookAt("/bin").is_link);
  EXPECT_EQ(LookAt("/bin").resolved, "/usr/bin");
  // An absolute link stays inside the root.
  EXPECT_EQ(LookAt("/lib").resolved, "/usr/lib");
  // Through a link, though the last component is none.
  fake_.AddFile("/usr/bin/sh", "");
  EXPECT_FALSE(LookAt("/bin/sh").is_link);
  EXPECT_EQ(LookAt("/bin/sh").resolved, "/usr/bin/sh");
}

TEST_F(HostRootTest, ALinkThatLeadsNowhereIsMissingAndStillALink) {
  fake_.AddLink("/lib32", "usr/lib32");
  fake_.AddLink("/loop", "loop");
  EXPECT_EQ(LookAt("/lib32").kind, Kind::kMissing);
  EXPECT_TRUE(LookAt("/lib32").is_link);
  EXPECT_EQ(LookAt("/lib32").resolved, "");
  EXPECT_EQ(LookAt("/loop").kind, Kind::kMissing);
}

TEST_F(HostRootTest, NothingLeadsOutOfIt) {
  fake_.AddLink("/up", "../../../../../../etc");
  EXPECT_EQ(LookAt("/up").kind, Kind::kMissing);
  fake_.AddDirectory("/etc");
  EXPECT_EQ(LookAt("/up").resolved, "/etc");
  EXPECT_EQ(LookAt("/../../etc").resolved, "/etc");
}

TEST_F(HostRootTest, TellsWhatIsWritable) {
  fake_.AddDirectory("/mine");
  EXPECT_TRUE(Open().IsWritable("/mine"));
  EXPECT_FALSE(Open().IsWritable("/none"));
}

TEST(HostRoot, WorksOnTheNodeItself) {
  const auto root = HostRoot::Open("/");
  ASSERT_THAT(root, IsOk());
  EXPECT_EQ(root->LookAt("/proc/self")->kind, Kind::kDirectory);
  EXPECT_TRUE(root->LookAt("/proc/self")->is_link);
  EXPECT_EQ(root->LookAt("/dev/null")->kind, Kind::kOther);
  EXPECT_EQ(root->LookAt("/")->resolved, "/");
  EXPECT_FALSE(root->IsWritable("/proc/self/stat/"));
}

}  // namespace
}  // namespace cloister::node
