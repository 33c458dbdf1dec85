#include "libs/task/references.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::task {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr size_t kBound = 1000;

class ReferencesTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Replace(absl::string_view text) const {
    return ReplaceReferences(text, NameTable(&node_, &environment_), kBound);
  }

  Names node_ = {{"attr.kernel.name", "linux"},
                 {"attr.kernel.arch", "x86_64"},
                 {"meta.my rack", "r7"},
                 {"node.datacenter", "dc1"}};
  Names environment_ = {{"NOMAD_TASK_DIR", "/local"}, {"GREETING", "hello ${GREETING}"}};
};

TEST_F(ReferencesTest, TextWithoutAnyStaysAsItIs) {
  for (absl::string_view text : {"", "$", "$$", "a$b", "$HOME", "{x}", "$ {x}", "%{if x}"}) {
    EXPECT_FALSE(HasReferences(text)) << text;
    EXPECT_THAT(Replace(text), IsOkAndHolds(std::string(text)));
  }
}

TEST_F(ReferencesTest, ANodesNamesAndVariablesAreReplaced) {
  EXPECT_THAT(Replace("${attr.kernel.name}"), IsOkAndHolds("linux"));
  EXPECT_THAT(Replace("a ${ node.datacenter }-${NOMAD_TASK_DIR}/x"),
              IsOkAndHolds("a dc1-/local/x"));
  EXPECT_THAT(Replace("${env.NOMAD_TASK_DIR}${env[\"NOMAD_TASK_DIR\"]}"),
              IsOkAndHolds("/local/local"));
  EXPECT_THAT(Replace("${meta[\"my rack\"]}"), IsOkAndHolds("r7"));
}

TEST_F(ReferencesTest, TwoDollarsStandForTheBraceItself) {
  EXPECT_THAT(Replace("$${HOME}"), IsOkAndHolds("${HOME}"));
  EXPECT_THAT(Replace("$$${attr.kernel.name}"), IsOkAndHolds("$${attr.kernel.name}"));
  EXPECT_THAT(Replace("$${"), IsOkAndHolds("${"));
}

TEST_F(ReferencesTest, WhatComesInIsNotLookedAtAgain) {
  EXPECT_THAT(Replace("${GREETING}"), IsOkAndHolds("hello ${GREETING}"));
}

TEST_F(ReferencesTest, AnUnknownNameIsToldWithTheOneThatMayBeMeant) {
  EXPECT_THAT(Replace("${attr.kernl.name}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "'attr.kernl.name' is not known here (did you mean 'attr.kernel.name'?)"));
  EXPECT_THAT(Replace("${NOMAD_TASKDIR} ${zebra}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "'NOMAD_TASKDIR' is not known here (did you mean 'NOMAD_TASK_DIR'?); "
                       "'zebra' is not known here"));
  EXPECT_THAT(Replace("${a}${b}${c}${d}${e}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("; and 2 more")));
}

TEST_F(ReferencesTest, TheUsersVariablesAreLeftToAShell) {
  for (absl::string_view text : {"${HOME}", "${env.USER}"}) {
    EXPECT_THAT(Replace(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("$${ leaves it to a shell")));
  }
}

TEST_F(ReferencesTest, NothingOfThisProcessIsReachable) {
  EXPECT_THAT(Replace("${PATH}"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Replace("${env[\"PATH\"]}"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ReferencesTest, WhatIsNoReferenceIsRefusedWithHowToWriteOne) {
  for (absl::string_view text :
       {"${", "${}", "${ }", "${a", "${A:-b}", "${#A}", "${env[\"A\"}", "${env[A]}", "${env[\"\"]}",
        "${env[\"a\\\"b\"]}", "${host[\"A\"]}", "${file(\"/etc/shadow\")}", "${a b}", "${${a}}"}) {
    EXPECT_THAT(Replace(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("is no reference"), HasSubstr("$${ stands for ${"))))
        << text;
  }
}

TEST_F(ReferencesTest, AControlCharacterDoesNotReachTheMessage) {
  EXPECT_THAT(Replace("${\x1b[2J}"),
              StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("\x1b"))));
}

TEST_F(ReferencesTest, AResultOverTheBoundIsNotBuilt) {
  environment_["LONG"] = std::string(400, 'x');
  EXPECT_THAT(Replace("${LONG}${LONG}"), IsOk());
  EXPECT_THAT(Replace("${LONG}${LONG}${LONG}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "has more than 1000 bytes once its references are replaced"));
}

}  // namespace
}  // namespace cloister::task
