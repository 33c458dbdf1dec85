// Archives that mean harm. The oracle is a canary beside the output directory, and what lies in
// that.
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/archive_builder.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/artifact/unpack.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;

class HostileArchiveTest : public testing::Test {
 protected:
  HostileArchiveTest() {
    place_.Write("canary", "alive");
    place_.MakeDirectory("out");
  }

  ~HostileArchiveTest() override {
    EXPECT_EQ(place_.Read("canary"), "alive");
    place_.Write("canary", "");
    for (const auto& [path, shown] : place_.List()) {
      EXPECT_TRUE(path == "canary" || path == "out" || path.rfind("out/", 0) == 0) << path;
      EXPECT_NE(shown[0], '?') << path;
    }
  }

  absl::Status Run(ArchiveBuilder& builder, ArchiveFormat format = ArchiveFormat::kTar) {
    const OwnedFd archive = builder.Build();
    const OwnedFd out = place_.Open("out");
    const auto report = Unpack(archive.get(), format, out.get(), options_);
    if (report.ok()) report_ = *report;
    return report.status();
  }

  ScratchDirectory place_;
  UnpackOptions options_;
  UnpackReport report_;
};

TEST_F(HostileArchiveTest, PathsThatLeadOutAreRefused) {
  for (const char* path : {"../canary", "a/../../canary", "/canary", "/../canary", "..", "a/..",
                           "./../canary", "//canary"}) {
    ArchiveBuilder builder(ArchiveFormat::kTar);
    builder.File(path, "dead");
    EXPECT_THAT(Run(builder), StatusIs(kInvalid)) << path;
  }
  ArchiveBuilder zip(ArchiveFormat::kZip);
  zip.File("../canary", "dead");
  EXPECT_THAT(Run(zip, ArchiveFormat::kZip), StatusIs(kInvalid));
}

TEST_F(HostileArchiveTest, ABackslashIsNoSeparator) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.File("..\\canary", "x");
  ASSERT_THAT(Run(builder), IsOk());
  EXPECT_THAT(place_.List("out"), ElementsAre(Pair("..\\canary", "f644 x")));
}

TEST_F(HostileArchiveTest, LinksThatLeadOutAreRefused) {
  for (const char* target : {"/etc/passwd", "../canary", "..", "a/../../canary", "a/.."}) {
    ArchiveBuilder builder(ArchiveFormat::kTar);
    builder.Symlink("l", target);
    EXPECT_THAT(Run(builder), StatusIs(kInvalid, HasSubstr("entry 'l'"))) << target;
  }
  ArchiveBuilder hard(ArchiveFormat::kTar);
  hard.HardLink("h", "../canary");
  EXPECT_THAT(Run(hard), StatusIs(kInvalid));
  ArchiveBuilder absolute(ArchiveFormat::kTar);
  absolute.HardLink("h", absl::StrCat(place_.path(), "/canary"));
  EXPECT_THAT(Run(absolute), StatusIs(kInvalid));
}

TEST_F(HostileArchiveTest, NothingIsWrittenThroughALink) {
  // Inside, so that the link itself is kept.
  ArchiveBuilder directory(ArchiveFormat::kTar);
  directory.Directory("d").Symlink("l", "d").File("l/f", "x");
  EXPECT_THAT(Run(directory), StatusIs(kInvalid, HasSubstr("a link or a file")));
  EXPECT_FALSE(place_.Exists("out/d/f"));

  ArchiveBuilder file(ArchiveFormat::kTar);
  file.File("g", "kept").Symlink("m", "g").File("m", "new");
  ASSERT_THAT(Run(file), IsOk());
  EXPECT_EQ(place_.Read("out/g"), "kept");
  EXPECT_EQ(place_.Read("out/m"), "new");
}

TEST_F(HostileArchiveTest, AChainOfLinksDoesNotLeadOut) {
  // Each by itself would stay inside; together "up/../.." would not.
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.Directory("a/b").Symlink("a/b/up", "../..").Symlink("a/b/out", "up/../canary");
  EXPECT_THAT(Run(builder), StatusIs(kInvalid, HasSubstr("'..' after a name")));
}

TEST_F(HostileArchiveTest, AHardLinkGivesASymbolicLinkNoOtherPlace) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.Directory("a").Symlink("a/l", "../x").HardLink("h", "a/l");
  EXPECT_THAT(Run(builder), StatusIs(kInvalid, HasSubstr("no regular file")));
  ArchiveBuilder through(ArchiveFormat::kTar);
  through.Directory("b").File("b/f", "x").Symlink("k", "b").HardLink("h2", "k/f");
  EXPECT_FALSE(Run(through).ok());
}

TEST_F(HostileArchiveTest, SpecialsAreRefused) {
  for (const mode_t type : {S_IFIFO, S_IFCHR, S_IFBLK}) {
    ArchiveBuilder builder(ArchiveFormat::kTar);
    builder.Special("s", type);
    EXPECT_THAT(Run(builder), StatusIs(kInvalid, HasSubstr("entry 's' is a"))) << type;
  }
}

TEST_F(HostileArchiveTest, AttributesAndFileCapabilitiesAreDropped) {
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.FileWithAttributes("f");
  ASSERT_THAT(Run(builder), IsOk());
  char names[256];
  EXPECT_LE(listxattr(absl::StrCat(place_.path(), "/out/f").c_str(), names, sizeof(names)), 0);
  EXPECT_EQ(report_.dropped_attributes, 1u);
}

TEST_F(HostileArchiveTest, LongNamesAreRefused) {
  ArchiveBuilder component(ArchiveFormat::kTar);
  component.File(std::string(300, 'x'), "");
  EXPECT_THAT(Run(component), StatusIs(kInvalid, HasSubstr("over 255")));
  std::string path;
  for (int i = 0; i < 500; ++i) path += "0123456789/";
  ArchiveBuilder whole(ArchiveFormat::kTar);
  whole.File(path + "f", "");
  EXPECT_THAT(Run(whole), StatusIs(kExhausted, HasSubstr("limit path_length of 4095")));
  path.clear();
  for (int i = 0; i < 65; ++i) path += "d/";
  ArchiveBuilder deep(ArchiveFormat::kTar);
  deep.File(path + "f", "");
  EXPECT_THAT(Run(deep), StatusIs(kExhausted, HasSubstr("limit depth of 64")));
}

TEST_F(HostileArchiveTest, ManyEntriesStopAtTheLimitAndNotBefore) {
  options_.limits.files = 100;
  for (const int count : {100, 101}) {
    ArchiveBuilder builder(ArchiveFormat::kTar);
    for (int i = 0; i < count; ++i) builder.File(absl::StrCat(count, "-", i), "");
    if (count == 100) {
      EXPECT_THAT(Run(builder), IsOk());
    } else {
      EXPECT_THAT(Run(builder), StatusIs(kExhausted, HasSubstr("limit files of 100")));
    }
  }
}

TEST_F(HostileArchiveTest, ImpliedDirectoriesCount) {
  options_.limits.files = 10;
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.File("a/b/c/d/e/f/g/h/i/j/k", "");
  EXPECT_THAT(Run(builder), StatusIs(kExhausted, HasSubstr("limit files of 10")));
  ArchiveBuilder just(ArchiveFormat::kTar);
  just.File("A/b/c/d/e/f/g/h/i/j", "");
  EXPECT_THAT(Run(just), IsOk());
}

TEST_F(HostileArchiveTest, BytesStopAtTheLimitAndNotBefore) {
  options_.limits.bytes = 1000;
  ArchiveBuilder just(ArchiveFormat::kTarGz);
  just.File("a", std::string(600, 'x')).File("b", std::string(400, 'x'));
  EXPECT_THAT(Run(just, ArchiveFormat::kTarGz), IsOk());
  ArchiveBuilder more(ArchiveFormat::kTarGz);
  more.File("a", std::string(600, 'x')).File("b", std::string(401, 'x'));
  EXPECT_THAT(Run(more, ArchiveFormat::kTarGz),
              StatusIs(kExhausted, HasSubstr("limit bytes of 1000")));
}

TEST_F(HostileArchiveTest, TenTerabytesOfHoleAreRefusedBeforeTheyAreMade) {
  const OwnedFd archive = FileOf(SparseTar("s", 10'000'000'000'000));
  const OwnedFd out = place_.Open("out");
  EXPECT_THAT(Unpack(archive.get(), ArchiveFormat::kTar, out.get(), options_),
              StatusIs(kExhausted, HasSubstr("limit bytes")));
  EXPECT_FALSE(place_.Exists("out/s"));
}

TEST_F(HostileArchiveTest, CompressedZerosStopAtTheRatio) {
  options_.limits.ratio = 100;
  for (const ArchiveFormat format : {ArchiveFormat::kTarXz, ArchiveFormat::kTarZst,
                                     ArchiveFormat::kZip, ArchiveFormat::kTarBz2}) {
    ArchiveBuilder builder(format);
    builder.Zeros("z", 64 << 20);
    EXPECT_THAT(Run(builder, format), StatusIs(kExhausted, HasSubstr("limit ratio of 100")))
        << ArchiveFormatName(format);
    // Far fewer than it would have been.
    struct stat facts;
    ASSERT_EQ(stat(absl::StrCat(place_.path(), "/out/z").c_str(), &facts), 0);
    EXPECT_LT(facts.st_size, 40 << 20);
  }
}

TEST_F(HostileArchiveTest, WhatIsStrippedCountsToo) {
  options_.strip_components = 1;
  options_.limits.bytes = 1 << 20;
  ArchiveBuilder builder(ArchiveFormat::kTarXz);
  builder.Zeros("z", 8 << 20);
  EXPECT_THAT(Run(builder, ArchiveFormat::kTarXz), StatusIs(kExhausted, HasSubstr("limit bytes")));
}

TEST_F(HostileArchiveTest, NamesOfOneFileCountAsItsCopies) {
  options_.limits.bytes = 100;
  ArchiveBuilder builder(ArchiveFormat::kTar);
  builder.File("a", std::string(40, 'x')).HardLink("b", "a").HardLink("c", "a");
  EXPECT_THAT(Run(builder), StatusIs(kExhausted, HasSubstr("limit bytes of 100")));
}

TEST_F(HostileArchiveTest, ANestOfArchivesIsOneLevelOfFiles) {
  ArchiveBuilder inner(ArchiveFormat::kZip);
  inner.Zeros("z", 1 << 20);
  std::string bytes = Bytes(inner.Build().get());
  for (int level = 0; level < 5; ++level) {
    ArchiveBuilder outer(ArchiveFormat::kZip);
    for (int i = 0; i < 16; ++i) outer.File(absl::StrCat("lib ", i, ".zip"), bytes);
    bytes = Bytes(outer.Build().get());
  }
  const OwnedFd out = place_.Open("out");
  const auto report = Unpack(FileOf(bytes).get(), ArchiveFormat::kZip, out.get(), options_);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->files, 16u);
  EXPECT_LT(report->bytes, 4u << 20);
}

TEST_F(HostileArchiveTest, ACompressedCompressionIsRefused) {
  ArchiveBuilder inner(ArchiveFormat::kTarGz);
  inner.File("a", "x");
  ArchiveBuilder outer(ArchiveFormat::kGz);
  outer.File("x", Bytes(inner.Build().get()));
  EXPECT_THAT(Run(outer, ArchiveFormat::kTarGz),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("more than once")));
}

}  // namespace
}  // namespace cloister::artifact
