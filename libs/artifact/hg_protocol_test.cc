#include "libs/artifact/hg_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNode[] = "19745ab501131b439e473555600a8ffc0b98a995";

TEST(HgProtocolTest, AnIdHasFortyDigits) {
  EXPECT_TRUE(IsHgNode(kNode));
  for (const std::string& text :
       {std::string(), std::string(39, 'a'), std::string(41, 'a'), std::string(40, 'A'),
        std::string(40, 'g'), std::string(40, '-')}) {
    EXPECT_FALSE(IsHgNode(text)) << text;
  }
}

// Of `hg serve` 6.3, and what a server must have of it.
TEST(HgProtocolTest, AServerHasWhatIsAskedOfIt) {
  EXPECT_THAT(
      CheckHgCapabilities("batch branchmap $USUAL_BUNDLE2_CAPS_SERVER$ bundle2=HG20%0Abookmarks "
                          "changegroupsubset compression=zstd,zlib getbundle httpheader=1024 "
                          "known lookup pushkey unbundle=HG10GZ,HG10BZ,HG10UN unbundlehash\n"),
      IsOk());
  for (const char* text : {"", "lookup getbundle", "lookup bundle2=HG20", "getbundle bundle2=HG20",
                           "nolookup getbundlex bundle2", "<html>"}) {
    EXPECT_THAT(CheckHgCapabilities(text), StatusIs(absl::StatusCode::kFailedPrecondition)) << text;
  }
}

TEST(HgProtocolTest, ALookupGivesAnIdOrTheServersWords) {
  EXPECT_THAT(ParseHgLookup(absl::StrCat("1 ", kNode, "\n"), "tip"), IsOkAndHolds(kNode));
  EXPECT_THAT(ParseHgLookup("0 unknown revision 'x'\n", "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("unknown revision")));
  EXPECT_THAT(ParseHgLookup(absl::StrCat("1 ", std::string(40, '0'), "\n"), "tip"),
              StatusIs(absl::StatusCode::kNotFound));
  for (const char* answer : {"", "1", "1 ", "1 --config=x\n", "2 a", "<html>"}) {
    EXPECT_THAT(ParseHgLookup(answer, "tip"), StatusIs(absl::StatusCode::kFailedPrecondition))
        << answer;
  }
  const absl::Status loud =
      ParseHgLookup(absl::StrCat("0 \x1b[2J", std::string(5000, 'x')), "x").status();
  EXPECT_THAT(std::string(loud.message()), AllOf(HasSubstr("\\x1b"), Not(HasSubstr("\x1b"))));
  EXPECT_LT(loud.message().size(), 300U);
}

TEST(HgProtocolTest, ABundleIsOfVersionTwoAndHasNoParameters) {
  EXPECT_THAT(CheckHgBundleHead(absl::string_view("HG20\0\0\0\0", 8)), IsOk());
  for (const absl::string_view head :
       {absl::string_view(""), absl::string_view("HG20"), absl::string_view("HG10GZxx"),
        absl::string_view("HG20\0\0\0\x0e", 8), absl::string_view("\x89PNG\0\0\0\0", 8)}) {
    EXPECT_THAT(CheckHgBundleHead(head), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

// As Mercurial 6.3 writes it.
TEST(HgProtocolTest, ARefusalIsSaidInTheServersWords) {
  constexpr absl::string_view kRefusal(
      "HG20\0\0\0\0\0\0\0\x35\x0b"
      "ERROR:ABORT\0\0\0\0\x01\0\x07\x1amessagepull-based clones disabled\0\0\0\0\0\0\0\0",
      73);
  EXPECT_THAT(CheckHgBundleHead(kRefusal),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("refuses: pull-based clones disabled")));
  // Wherever it ends, nothing is read beyond it.
  for (size_t size = 8; size < kRefusal.size(); ++size) {
    const std::string cut(kRefusal.substr(0, size));
    const absl::Status status = CheckHgBundleHead(cut);
    EXPECT_TRUE(status.ok() || absl::IsFailedPrecondition(status)) << size;
  }
}

}  // namespace
}  // namespace cloister::artifact
