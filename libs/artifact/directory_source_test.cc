#include "libs/artifact/directory_source.h"

#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

class DirectorySourceTest : public testing::Test {
 protected:
  DirectorySourceTest() {
    source_.Write("a/f", "one", 0644);
    source_.Write("a/run", "two", 0755);
    source_.Link("a/link", "f");
    request_.source.kind = SourceKind::kFile;
  }

  absl::StatusOr<FetchReport> Copy() {
    return CopyDirectorySource(request_, source_.fd(), output_.fd(), [this] { return check_; });
  }
  static auto Refused(const std::string& why) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why));
  }
  static auto Over(const std::string& limit) {
    return StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(limit));
  }

  ScratchDirectory source_;
  ScratchDirectory output_;
  FetchRequest request_;
  absl::Status check_;
};

TEST_F(DirectorySourceTest, ComesAsItIs) {
  const auto report = Copy();
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->is_tree);
  EXPECT_EQ(report->bytes, 6);
  EXPECT_EQ(report->tree.size(), 64u);
  EXPECT_THAT(report->sha256, IsEmpty());
  EXPECT_THAT(output_.List("content"),
              ElementsAre(Pair("a", "d755"), Pair("a/f", "f644 one"), Pair("a/link", "-> f"),
                          Pair("a/run", "f755 two")));
}

TEST_F(DirectorySourceTest, ItsDigestIsThatOfWhatIsInIt) {
  const auto first = Copy();
  ScratchDirectory again;
  const auto second =
      CopyDirectorySource(request_, source_.fd(), again.fd(), [] { return absl::OkStatus(); });
  source_.Write("a/f", "1ne");
  ScratchDirectory changed;
  const auto third =
      CopyDirectorySource(request_, source_.fd(), changed.fd(), [] { return absl::OkStatus(); });
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  ASSERT_THAT(third, IsOk());
  EXPECT_EQ(first->tree, second->tree);
  EXPECT_NE(first->tree, third->tree);
}

TEST_F(DirectorySourceTest, APartOfItMayBeADirectoryOrAFile) {
  request_.source.subdir = "a";
  ASSERT_THAT(Copy(), IsOk());
  EXPECT_TRUE(output_.Exists("content/run"));
  ScratchDirectory file;
  request_.source.subdir = "a/r*";
  request_.mode = FetchMode::kFile;
  const auto report =
      CopyDirectorySource(request_, source_.fd(), file.fd(), [] { return absl::OkStatus(); });
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->is_tree);
  EXPECT_EQ(report->file_name, "run");
  EXPECT_EQ(file.Read("content/run"), "two");
  request_.source.subdir = "a/link";
  EXPECT_FALSE(Copy().ok()) << "a link was followed";
}

TEST_F(DirectorySourceTest, LinksThatMayLeadOutAreRefused) {
  for (const char* target : {"/etc/shadow", "../../x", "f/../../.."}) {
    ScratchDirectory hostile;
    hostile.MakeDirectory("d");
    hostile.Link("d/link", target);
    const auto refused =
        CopyDirectorySource(request_, hostile.fd(), output_.fd(), [] { return absl::OkStatus(); });
    EXPECT_THAT(refused, Refused("d/link")) << target;
    EXPECT_THAT(output_.List(), IsEmpty());
  }
}

TEST_F(DirectorySourceTest, SpecialFilesAreRefused) {
  ASSERT_EQ(mkfifo((source_.path() + "/a/pipe").c_str(), 0600), 0);
  EXPECT_THAT(Copy(), Refused("a/pipe"));
}

TEST_F(DirectorySourceTest, TheLimitsAreNamed) {
  request_.unpack.files = 3;
  EXPECT_THAT(Copy(), Over("files of 3"));
  request_.unpack = {};
  request_.unpack.depth = 1;
  EXPECT_THAT(Copy(), Over("depth of 1"));
  request_.unpack = {};
  request_.source.unpack.limits.bytes = 5;
  EXPECT_THAT(Copy(), Over("bytes of 5"));
  request_.source.subdir = "a/f";
  request_.source.unpack.limits.bytes = 2;
  EXPECT_THAT(Copy(), Over("bytes of 2"));
  EXPECT_THAT(output_.List(), IsEmpty());
}

TEST_F(DirectorySourceTest, WhatItCannotBeAskedForIsRefused) {
  request_.source.checksum.emplace();
  EXPECT_THAT(Copy(), Refused("no checksum"));
  request_.source.checksum.reset();
  request_.source.unpack.strip_components = 1;
  EXPECT_THAT(Copy(), Refused("strip_components"));
  request_.source.unpack.strip_components = 0;
  request_.source.archive.kind = ArchiveChoice::Kind::kFormat;
  EXPECT_THAT(Copy(), Refused("no archive"));
  request_.source.archive = {};
  request_.mode = FetchMode::kFile;
  EXPECT_THAT(Copy(), Refused("mode file"));
  request_.mode = FetchMode::kDir;
  request_.source.subdir = "a/f";
  EXPECT_THAT(Copy(), Refused("is a file"));
}

TEST_F(DirectorySourceTest, EndsWhenItIsToEnd) {
  check_ = absl::CancelledError("no longer wanted");
  EXPECT_THAT(Copy(), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace cloister::artifact
