#include "libs/artifact/unpack.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/archive_builder.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/fake_clock.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class UnpackTest : public testing::Test {
 protected:
  absl::StatusOr<UnpackReport> Run(ArchiveBuilder& builder,
                                   ArchiveFormat format = ArchiveFormat::kTar) {
    const OwnedFd archive = builder.Build();
    return Unpack(archive.get(), format, out_.fd(), options_);
  }

  ScratchDirectory out_;
  UnpackOptions options_;
};

TEST_F(UnpackTest, EveryFormatOfTreesComesOut) {
  for (const ArchiveFormat format :
       {ArchiveFormat::kTar, ArchiveFormat::kTarGz, ArchiveFormat::kTarBz2, ArchiveFormat::kTarXz,
        ArchiveFormat::kTarZst, ArchiveFormat::kZip}) {
    ScratchDirectory out;
    ArchiveBuilder builder(format);
    builder.Directory("d", 0750).File("d/tool", "#!", 0755).File("e/f", "text");
    builder.File("grün", "u").Symlink("d/link", "../e/f");
    const OwnedFd archive = builder.Build();
    const auto report = Unpack(archive.get(), format, out.fd(), options_);
    ASSERT_THAT(report, IsOk()) << ArchiveFormatName(format);
    EXPECT_THAT(out.List(), ElementsAre(Pair("d", "d750"), Pair("d/link", "-> ../e/f"),
                                        Pair("d/tool", "f755 #!"), Pair("e", "d755"),
                                        Pair("e/f", "f644 text"), Pair("grün", "f644 u")))
        << ArchiveFormatName(format);
    EXPECT_EQ(report->files, 3u);
    EXPECT_EQ(report->directories, 2u);
    EXPECT_EQ(report->links, 1u);
    EXPECT_EQ(report->bytes, 7u);
  }
}

TEST_F(UnpackTest, OneCompressedFileComesOutUnderItsName) {
  for (const ArchiveFormat format :
       {ArchiveFormat::kGz, ArchiveFormat::kBz2, ArchiveFormat::kXz, ArchiveFormat::kZst}) {
    ScratchDirectory out;
    options_.single_file_name = "tool";
    ArchiveBuilder builder(format);
    builder.File("x", "content");
    const OwnedFd archive = builder.Build();
    ASSERT_THAT(Unpack(archive.get(), format, out.fd(), options_), IsOk())
        << ArchiveFormatName(format);
    EXPECT_THAT(out.List(), ElementsAre(Pair("tool", "f644 content")));
  }
  ArchiveBuilder empty(ArchiveFormat::kGz);
  empty.File("x", "");
  ASSERT_THAT(Run(empty, ArchiveFormat::kGz), IsOk());
  EXPECT_THAT(out_.List(), ElementsAre(Pair("tool", "f644 ")));
}

TEST_F(UnpackTest, TimesAreKeptAndAlsoThoseOfDirectories) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.Directory("d").File("d/f", "x");
  ASSERT_THAT(Run(builder), IsOk());
  for (const char* name : {"/d", "/d/f"}) {
    struct stat facts;
    ASSERT_EQ(lstat((out_.path() + name).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mtime, 1000000000) << name;
  }
}

TEST_F(UnpackTest, ModesAreWithinTheUmaskAndSetIdBitsFall) {
  options_.umask = 027;
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.File("suid", "", 06777).Directory("sticky", 01777).File("implied/f", "", 0666);
  const auto report = Run(builder);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(out_.List(), ElementsAre(Pair("implied", "d750"), Pair("implied/f", "f640 "),
                                       Pair("sticky", "d750"), Pair("suid", "f750 ")));
  EXPECT_EQ(report->dropped_bits, 2u);
}

TEST_F(UnpackTest, ADirectoryThatNobodyMayEnterStillGetsItsContent) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.Directory("d", 0).Directory("d/e", 0).File("d/e/f", "x");
  ASSERT_THAT(Run(builder), IsOk());
  struct stat facts;
  ASSERT_EQ(lstat((out_.path() + "/d").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0u);
}

TEST_F(UnpackTest, TheProcesssOwnUmaskDoesNotCount) {
  const mode_t before = umask(077);
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.Directory("d").File("d/f", "", 0755);
  const auto report = Run(builder);
  umask(before);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(out_.List(), ElementsAre(Pair("d", "d755"), Pair("d/f", "f755 ")));
}

TEST_F(UnpackTest, LeadingComponentsAreStripped) {
  options_.strip_components = 1;
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.Directory("top").File("top/a", "x").File("dropped", "y");
  builder.HardLink("top/b", "top/a");
  ASSERT_THAT(Run(builder), IsOk());
  EXPECT_THAT(out_.List(), ElementsAre(Pair("a", "f644 x"), Pair("b", "f644 x")));
}

TEST_F(UnpackTest, ALaterEntryReplacesAnEarlierOne) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.File("a", "first").HardLink("b", "a").File("a", "second").Directory("d", 0700);
  builder.Directory("d", 0755).Symlink("l", "a").File("l", "file");
  ASSERT_THAT(Run(builder), IsOk());
  EXPECT_THAT(out_.List(), ElementsAre(Pair("a", "f644 second"), Pair("b", "f644 first"),
                                       Pair("d", "d755"), Pair("l", "f644 file")));
}

TEST_F(UnpackTest, ADirectoryAndSomethingElseOfOneNameAreRefused) {
  ArchiveBuilder file_over_directory(ArchiveFormat::kTar);
  file_over_directory.File("d/f", "x").File("d", "y");
  EXPECT_THAT(Run(file_over_directory), StatusIs(kInvalid, HasSubstr("as a directory")));
  ArchiveBuilder directory_over_file(ArchiveFormat::kTar);
  directory_over_file.File("a", "x").Directory("a");
  EXPECT_THAT(Run(directory_over_file), StatusIs(kInvalid, HasSubstr("as something else")));
}

TEST_F(UnpackTest, NamesThatDifferInCaseAreTwo) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.File("a", "1").File("A", "2");
  ASSERT_THAT(Run(builder), IsOk());
  EXPECT_THAT(out_.List(), ElementsAre(Pair("A", "f644 2"), Pair("a", "f644 1")));
}

TEST_F(UnpackTest, SparseFilesComeOutInFullSize) {
  const OwnedFd archive = FileOf(SparseTar("s", 1 << 20));
  const auto report = Unpack(archive.get(), ArchiveFormat::kTar, out_.fd(), options_);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->bytes, 1u << 20);
  struct stat facts;
  ASSERT_EQ(lstat((out_.path() + "/s").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_size, 1 << 20);
}

TEST_F(UnpackTest, WhatIsNoArchiveOfTheFormatIsRefused) {
  const auto run = [&](absl::string_view bytes, ArchiveFormat format) {
    options_.single_file_name = "x";
    return Unpack(FileOf(bytes).get(), format, out_.fd(), options_).status();
  };
  const std::string text = "this is a text and no archive at all, whatever it is called by others";
  for (const ArchiveFormat format :
       {ArchiveFormat::kTar, ArchiveFormat::kTarGz, ArchiveFormat::kTarBz2, ArchiveFormat::kTarXz,
        ArchiveFormat::kTarZst, ArchiveFormat::kZip, ArchiveFormat::kGz, ArchiveFormat::kZst}) {
    EXPECT_THAT(run(text, format), StatusIs(absl::StatusCode::kDataLoss))
        << ArchiveFormatName(format);
    EXPECT_FALSE(run("", format).ok()) << ArchiveFormatName(format);
  }
  ArchiveBuilder tar(ArchiveFormat::kTar);
  tar.File("a", "x");
  const std::string plain = Bytes(tar.Build().get());
  EXPECT_THAT(run(plain, ArchiveFormat::kTarGz),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no tar.gz")));
  EXPECT_THAT(out_.List(), IsEmpty());
}

TEST_F(UnpackTest, TruncatedArchivesAreDamaged) {
  for (const ArchiveFormat format :
       {ArchiveFormat::kTar, ArchiveFormat::kTarGz, ArchiveFormat::kZip}) {
    ArchiveBuilder builder(format);
    std::string content;
    for (int i = 0; i < 30000; ++i) content += std::to_string(i * 7919);
    builder.File("a", content);
    const std::string whole = Bytes(builder.Build().get());
    ScratchDirectory out;
    const OwnedFd half = FileOf(whole.substr(0, whole.size() / 2));
    EXPECT_THAT(Unpack(half.get(), format, out.fd(), options_),
                StatusIs(absl::StatusCode::kDataLoss))
        << ArchiveFormatName(format);
  }
}

TEST_F(UnpackTest, AnEmptyArchiveIsRefused) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  EXPECT_THAT(Run(builder), StatusIs(kInvalid, HasSubstr("is empty")));
}

TEST_F(UnpackTest, ANameMayBeRefused) {
  options_.refused_name = ".hg";
  for (const char* path : {".hg", "a/.HG/hgrc", ".Hg/x/y"}) {
    ArchiveBuilder builder(ArchiveFormat::kTar);
    builder.File(path, "x");
    EXPECT_THAT(Run(builder), StatusIs(kInvalid, HasSubstr("not allowed in a tree"))) << path;
  }
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.File(".hgignore", "x").File("a.hg", "x");
  EXPECT_THAT(Run(builder), IsOk());
}

TEST_F(UnpackTest, TheDeadlineIsNamed) {
  FakeClock clock;
  options_.clock = &clock;
  options_.limits.deadline = absl::Seconds(-1);
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.File("a", "x");
  EXPECT_THAT(Run(builder),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("limit deadline")));
}

}  // namespace
}  // namespace cloister::artifact
