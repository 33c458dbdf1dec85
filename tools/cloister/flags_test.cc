#include "tools/cloister/flags.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FlagsTest : public testing::Test {
 protected:
  FlagsTest() {
    flags_.Switch("follow", &follow_, "Follow.", 'f');
    flags_.Switch("all", &all_, "All.", 'a');
    flags_.Text("user", &user_, "NAME", "The user.", 'u');
    flags_.Repeated("cap-add", &cap_add_, "CAP", "Adds a capability.");
    flags_.Number("memory", &memory_, 1, 1000, "MIB", "Memory.");
    flags_.Duration("kill-timeout", &kill_timeout_, "Grace.");
    flags_.Choice("cgroups", &cgroups_, {"auto", "none"}, "Limits.");
  }

  std::string ErrorOf(const std::vector<std::string>& words) {
    return std::string(flags_.Parse(words).status().message());
  }

  FlagSet flags_;
  bool follow_ = false;
  bool all_ = false;
  std::string user_ = "nobody";
  std::vector<std::string> cap_add_;
  absl::optional<int64_t> memory_;
  absl::optional<absl::Duration> kill_timeout_;
  std::string cgroups_ = "auto";
};

TEST_F(FlagsTest, TakesAValueAfterEqualsAndAsTheNextWord) {
  EXPECT_THAT(flags_.Parse({"--user=alice", "--memory", "7", "x"}), IsOkAndHolds(ElementsAre("x")));
  EXPECT_EQ(user_, "alice");
  EXPECT_EQ(memory_, 7);
}

TEST_F(FlagsTest, KeepsWhatAVariableHeldWhenTheFlagIsNotGiven) {
  EXPECT_THAT(flags_.Parse({}), IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(user_, "nobody");
  EXPECT_EQ(memory_, absl::nullopt);
}

TEST_F(FlagsTest, ReadsHyphenAndUnderscoreAsTheSame) {
  EXPECT_THAT(flags_.Parse({"--cap_add=kill", "--cap-add=chown"}), IsOk());
  EXPECT_THAT(cap_add_, ElementsAre("kill", "chown"));
}

TEST_F(FlagsTest, KeepsEqualsSignsOfTheValue) {
  EXPECT_THAT(flags_.Parse({"--user=a=b="}), IsOk());
  EXPECT_EQ(user_, "a=b=");
}

TEST_F(FlagsTest, AnEmptyValueIsAValue) {
  EXPECT_THAT(flags_.Parse({"--user="}), IsOk());
  EXPECT_EQ(user_, "");
}

TEST_F(FlagsTest, LastOneOfASingleFlagCounts) {
  EXPECT_THAT(flags_.Parse({"--user", "a", "--user", "b"}), IsOk());
  EXPECT_EQ(user_, "b");
}

TEST_F(FlagsTest, SwitchNeedsNoValueAndMayBeTurnedOff) {
  follow_ = true;
  EXPECT_THAT(flags_.Parse({"--follow=false", "--all", "x"}), IsOkAndHolds(ElementsAre("x")));
  EXPECT_FALSE(follow_);
  EXPECT_TRUE(all_);
}

TEST_F(FlagsTest, LettersMayBeJoinedAndTheLastMayHaveAValue) {
  EXPECT_THAT(flags_.Parse({"-fau", "alice"}), IsOk());
  EXPECT_TRUE(follow_);
  EXPECT_TRUE(all_);
  EXPECT_EQ(user_, "alice");
  EXPECT_THAT(flags_.Parse({"-ubob"}), IsOk());
  EXPECT_EQ(user_, "bob");
}

TEST_F(FlagsTest, NothingIsAFlagAfterTwoHyphens) {
  EXPECT_THAT(flags_.Parse({"-f", "--", "--user", "--", "-x"}),
              IsOkAndHolds(ElementsAre("--user", "--", "-x")));
  EXPECT_EQ(user_, "nobody");
}

TEST_F(FlagsTest, FlagsMayFollowArguments) {
  EXPECT_THAT(flags_.Parse({"task", "-f"}), IsOkAndHolds(ElementsAre("task")));
  EXPECT_TRUE(follow_);
}

TEST_F(FlagsTest, FlagsOfACommandAreLeftToIt) {
  flags_.StopAtFirstArgument();
  EXPECT_THAT(flags_.Parse({"-f", "ls", "--all"}), IsOkAndHolds(ElementsAre("ls", "--all")));
  EXPECT_FALSE(all_);
}

TEST_F(FlagsTest, ASingleHyphenIsAnArgument) {
  EXPECT_THAT(flags_.Parse({"-"}), IsOkAndHolds(ElementsAre("-")));
}

TEST_F(FlagsTest, UnknownFlagComesWithTheNearest) {
  EXPECT_EQ(ErrorOf({"--memroy=1"}), "unknown flag --memroy; is --memory meant?");
  EXPECT_EQ(ErrorOf({"--cap_ad=1"}), "unknown flag --cap_ad; is --cap-add meant?");
  EXPECT_EQ(ErrorOf({"--mem=1"}), "unknown flag --mem; is --memory meant?");
  EXPECT_EQ(ErrorOf({"--zzzzzz"}), "unknown flag --zzzzzz");
  EXPECT_EQ(ErrorOf({"-z"}), "unknown flag -z");
  EXPECT_EQ(ErrorOf({"-memory"}), "unknown flag -memory; is --memory meant?");
}

TEST_F(FlagsTest, MissingValueIsAnError) {
  EXPECT_EQ(ErrorOf({"--user"}), "--user: needs a value, NAME");
  EXPECT_EQ(ErrorOf({"--user", "--all"}), "--user: needs a value, NAME");
  EXPECT_EQ(ErrorOf({"-u"}), "-u: needs a value, NAME");
}

TEST_F(FlagsTest, BadValueIsAnErrorThatNamesFlagAndValue) {
  EXPECT_EQ(ErrorOf({"--memory=much"}), "--memory: 'much': not a whole number");
  EXPECT_EQ(ErrorOf({"--memory=0"}), "--memory: 0: not between 1 and 1000");
  EXPECT_EQ(ErrorOf({"--follow=maybe"}), "--follow: 'maybe': not true or false");
  EXPECT_EQ(ErrorOf({"--cgroups=v2"}), "--cgroups: 'v2': not one of auto, none");
  EXPECT_THAT(ErrorOf({"--kill-timeout=soon"}), HasSubstr("'soon': not a duration"));
}

TEST(ParseDuration, TakesUnitsAndPlainSeconds) {
  EXPECT_THAT(ParseDuration("1m30s"), IsOkAndHolds(absl::Seconds(90)));
  EXPECT_THAT(ParseDuration("500ms"), IsOkAndHolds(absl::Milliseconds(500)));
  EXPECT_THAT(ParseDuration("0"), IsOkAndHolds(absl::ZeroDuration()));
  EXPECT_THAT(ParseDuration("2.5"), IsOkAndHolds(absl::Milliseconds(2500)));
}

TEST(ParseDuration, RefusesNegativeAndInfinite) {
  EXPECT_FALSE(ParseDuration("-1s").ok());
  EXPECT_FALSE(ParseDuration("inf").ok());
  EXPECT_FALSE(ParseDuration("nan").ok());
  EXPECT_FALSE(ParseDuration("").ok());
}

TEST(FlagHelp, AlignsAndWraps) {
  FlagSet flags;
  bool quiet;
  std::string user;
  flags.Switch("quiet", &quiet, "Prints ids only.", 'q');
  flags.Text("user", &user, "USER", "Runs as this user of the node, by default as nobody.");
  EXPECT_EQ(flags.Help(48),
            "  -q, --quiet      Prints ids only.\n"
            "      --user USER  Runs as this user of the\n"
            "                   node, by default as nobody.\n");
}

}  // namespace
}  // namespace cloister
