#include "libs/artifact/archive_format.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::HasSubstr;

TEST(ArchiveFormat, TheLongestEndingDecides) {
  EXPECT_EQ(ArchiveFormatOfName("a.tar.gz"), ArchiveFormat::kTarGz);
  EXPECT_EQ(ArchiveFormatOfName("a.gz"), ArchiveFormat::kGz);
  EXPECT_EQ(ArchiveFormatOfName("dir/a.TGZ"), ArchiveFormat::kTarGz);
  EXPECT_EQ(ArchiveFormatOfName("a.tbz2"), ArchiveFormat::kTarBz2);
  EXPECT_EQ(ArchiveFormatOfName("a.tar.bz2"), ArchiveFormat::kTarBz2);
  EXPECT_EQ(ArchiveFormatOfName("a.txz"), ArchiveFormat::kTarXz);
  EXPECT_EQ(ArchiveFormatOfName("a.tar.zst"), ArchiveFormat::kTarZst);
  EXPECT_EQ(ArchiveFormatOfName("a.tzst"), ArchiveFormat::kTarZst);
  EXPECT_EQ(ArchiveFormatOfName("a.zip"), ArchiveFormat::kZip);
  EXPECT_EQ(ArchiveFormatOfName("a.tar"), ArchiveFormat::kTar);
  EXPECT_EQ(ArchiveFormatOfName("a.zst"), ArchiveFormat::kZst);
}

TEST(ArchiveFormat, OtherNamesAreNoArchives) {
  for (const char* name :
       {"", "zip", ".zip", "dir/.zip", "azip", "a.zip.txt", "a.tar.lz", "x.zip/y"})
    EXPECT_FALSE(ArchiveFormatOfName(name).has_value()) << name;
}

TEST(ArchiveFormat, AnEndingIsTakenOff) {
  EXPECT_EQ(WithoutArchiveEnding("tool.gz", ArchiveFormat::kGz), "tool");
  EXPECT_EQ(WithoutArchiveEnding("tool", ArchiveFormat::kGz), "tool");
  EXPECT_EQ(WithoutArchiveEnding("a.TGZ", ArchiveFormat::kTarGz), "a");
  EXPECT_TRUE(IsSingleFile(ArchiveFormat::kZst));
  EXPECT_FALSE(IsSingleFile(ArchiveFormat::kZip));
  EXPECT_EQ(ArchiveFormatName(ArchiveFormat::kTarXz), "tar.xz");
}

TEST(ArchiveFormat, AChoiceOverridesTheName) {
  EXPECT_EQ(ParseArchiveChoice("")->FormatOf("a.zip"), ArchiveFormat::kZip);
  EXPECT_EQ(ParseArchiveChoice("false")->FormatOf("a.zip"), absl::nullopt);
  EXPECT_EQ(ParseArchiveChoice("0")->FormatOf("a.zip"), absl::nullopt);
  EXPECT_EQ(ParseArchiveChoice("tgz")->FormatOf("a.zip"), ArchiveFormat::kTarGz);
  EXPECT_THAT(ParseArchiveChoice("rar\n"), StatusIs(absl::StatusCode::kInvalidArgument,
                                                    HasSubstr("'rar\\n' is no archive format")));
}

}  // namespace
}  // namespace cloister::artifact
