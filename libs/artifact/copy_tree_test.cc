#include "libs/artifact/copy_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

class CopyTreeTest : public testing::Test {
 protected:
  CopyTreeTest() {
    source_.Write("bin/tool", "new", 0755);
    source_.Write("readme", "r");
    source_.Link("link", "bin/tool");
  }

  absl::Status Copy(const std::string& destination) {
    return CopyTree(source_.fd(), root_.fd(), destination, options_);
  }

  ScratchDirectory source_;
  ScratchDirectory root_;
  CopyOptions options_;
};

TEST_F(CopyTreeTest, ATreeComesToItsPlaceWithItsFacts) {
  ASSERT_EQ(link((source_.path() + "/readme").c_str(), (source_.path() + "/same").c_str()), 0);
  ASSERT_THAT(Copy("local/app"), IsOk());
  EXPECT_THAT(
      root_.List(),
      ElementsAre(Pair("local", "d755"), Pair("local/app", "d700"), Pair("local/app/bin", "d755"),
                  Pair("local/app/bin/tool", "f755 new"), Pair("local/app/link", "-> bin/tool"),
                  Pair("local/app/readme", "f644 r"), Pair("local/app/same", "f644 r")));
  struct stat from;
  struct stat to;
  ASSERT_EQ(stat((source_.path() + "/readme").c_str(), &from), 0);
  ASSERT_EQ(stat((root_.path() + "/local/app/readme").c_str(), &to), 0);
  EXPECT_EQ(from.st_mtim.tv_nsec, to.st_mtim.tv_nsec);
  EXPECT_NE(from.st_ino, to.st_ino);
  EXPECT_EQ(to.st_nlink, 2u);
}

TEST_F(CopyTreeTest, ItMergesIntoADirectory) {
  root_.Write("local/bin/tool", "old");
  root_.Write("local/bin/other", "kept");
  root_.Link("local/readme", "/etc/passwd");
  root_.MakeDirectory("local/bin", 0711);
  ASSERT_THAT(Copy("local"), IsOk());
  EXPECT_THAT(root_.List(),
              ElementsAre(Pair("local", "d755"), Pair("local/bin", "d711"),
                          Pair("local/bin/other", "f644 kept"), Pair("local/bin/tool", "f755 new"),
                          Pair("local/link", "-> bin/tool"), Pair("local/readme", "f644 r")));
}

TEST_F(CopyTreeTest, ItMergesIntoTheRootItself) {
  root_.Write("kept", "k");
  ASSERT_THAT(Copy(""), IsOk());
  EXPECT_EQ(root_.Read("kept"), "k");
  EXPECT_EQ(root_.Read("bin/tool"), "new");
}

TEST_F(CopyTreeTest, AConflictChangesNothing) {
  root_.Write("local/bin/tool", "old");
  root_.Write("local/readme/x", "directory");
  const auto before = root_.List();
  EXPECT_THAT(Copy("local"), StatusIs(kPrecondition, HasSubstr("'readme' is no directory")));
  EXPECT_EQ(root_.List(), before);
  root_.Write("file", "f");
  EXPECT_THAT(Copy("file"), StatusIs(kPrecondition, HasSubstr("something else")));
  EXPECT_EQ(root_.Read("file"), "f");
}

TEST_F(CopyTreeTest, NoLinkLeadsTheCopyElsewhere) {
  ScratchDirectory elsewhere;
  elsewhere.MakeDirectory("sub");
  root_.Link("local", elsewhere.path());
  root_.MakeDirectory("d");
  root_.Link("d/bin", elsewhere.path());
  EXPECT_FALSE(Copy("local").ok());
  EXPECT_FALSE(Copy("local/sub").ok());
  EXPECT_THAT(Copy("d"), StatusIs(kPrecondition, HasSubstr("'bin' is a directory")));
  EXPECT_FALSE(Copy("../x").ok());
  EXPECT_FALSE(Copy("/x").ok());
  EXPECT_FALSE(Copy("a/../../x").ok());
  EXPECT_THAT(elsewhere.List(), ElementsAre(Pair("sub", "d755")));
}

TEST_F(CopyTreeTest, WhatAKilledCopyLeftIsRemovedByTheNext) {
  root_.Write("local/.artifact-staging-abc/half", "x");
  ASSERT_THAT(Copy("local/app"), IsOk());
  EXPECT_FALSE(root_.Exists("local/.artifact-staging-abc"));
}

TEST_F(CopyTreeTest, DirectoriesThatNobodyMayWriteToAreMovedToo) {
  source_.MakeDirectory("bin", 0555);
  ASSERT_THAT(Copy("a"), IsOk());
  root_.MakeDirectory("b");
  ASSERT_THAT(Copy("b"), IsOk());
  EXPECT_EQ(root_.List()["a/bin"], "d555");
  EXPECT_EQ(root_.List()["b/bin"], "d555");
}

TEST_F(CopyTreeTest, AFileReplacesAFileAndNoDirectory) {
  const OwnedFd file(open((source_.path() + "/bin/tool").c_str(), O_RDONLY | O_CLOEXEC));
  root_.Write("d/keep", "");
  root_.Write("tool", "old");
  ASSERT_THAT(CopyFile(file.get(), root_.fd(), "tool", options_), IsOk());
  EXPECT_EQ(root_.List()["tool"], "f755 new");
  ASSERT_THAT(CopyFile(file.get(), root_.fd(), "a/b/tool", options_), IsOk());
  EXPECT_EQ(root_.Read("a/b/tool"), "new");
  EXPECT_THAT(CopyFile(file.get(), root_.fd(), "d", options_), StatusIs(kPrecondition));
  EXPECT_THAT(CopyFile(file.get(), root_.fd(), "", options_), StatusIs(kPrecondition));
}

}  // namespace
}  // namespace cloister::artifact
