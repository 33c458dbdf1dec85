#include "libs/task/constraint.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"

namespace cloister::task {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

class ConstraintTest : public testing::Test {
 protected:
  ConstraintsJudged Judge() const {
    return JudgeConstraints(config_.constraints(), NameTable(&node_, &environment_));
  }
  void Add(const std::string& attribute, const std::string& op, const std::string& value) {
    v1::Constraint* constraint = config_.add_constraints();
    constraint->set_attribute(attribute);
    constraint->set_operator_(op);
    constraint->set_value(value);
  }
  bool Holds(const std::string& attribute, const std::string& op, const std::string& value) {
    config_.clear_constraints();
    Add(attribute, op, value);
    const ConstraintsJudged judged = Judge();
    EXPECT_THAT(judged.violations, IsEmpty());
    return judged.unmet.ok();
  }

  Names node_ = {{"attr.kernel.name", "linux"}, {"attr.kernel.version", "6.1.0-28-amd64"},
                 {"attr.cpu.numcores", "16"},   {"attr.os.signals", "SIGHUP, SIGTERM"},
                 {"attr.load", "0.5"},          {"node.class", ""}};
  Names environment_ = {{"WANTED", "linux"}};
  v1::TaskConfig config_;
};

TEST_F(ConstraintTest, EqualIsTheSameText) {
  for (const char* op : {"", "=", "==", "is"}) {
    EXPECT_TRUE(Holds("${attr.kernel.name}", op, "linux")) << op;
    EXPECT_FALSE(Holds("${attr.kernel.name}", op, "windows")) << op;
  }
  for (const char* op : {"!=", "not"}) {
    EXPECT_FALSE(Holds("${attr.kernel.name}", op, "linux")) << op;
    EXPECT_TRUE(Holds("${attr.kernel.name}", op, "windows")) << op;
  }
  EXPECT_TRUE(Holds("${attr.kernel.name}", "=", "${WANTED}"));
  EXPECT_TRUE(Holds("x-${attr.kernel.name}", "=", "x-linux"));
}

TEST_F(ConstraintTest, OrderIsOfNumbersWhereBothAre) {
  EXPECT_TRUE(Holds("${attr.cpu.numcores}", ">", "9"));
  EXPECT_TRUE(Holds("${attr.cpu.numcores}", ">=", "16"));
  EXPECT_FALSE(Holds("${attr.cpu.numcores}", "<", "16"));
  EXPECT_TRUE(Holds("${attr.cpu.numcores}", "<=", "16.5"));
  EXPECT_TRUE(Holds("${attr.load}", "<", "0.51"));
  EXPECT_TRUE(Holds("${attr.kernel.name}", ">", "a"));
}

TEST_F(ConstraintTest, ARegularExpressionMatchesAnywhere) {
  EXPECT_TRUE(Holds("${attr.kernel.name}", "regexp", "^li.*x$"));
  EXPECT_TRUE(Holds("${attr.kernel.name}", "regexp", "inu"));
  EXPECT_FALSE(Holds("${attr.kernel.name}", "regexp", "^inu"));
}

TEST_F(ConstraintTest, ASetContainsAllOrAny) {
  EXPECT_TRUE(Holds("${attr.os.signals}", "set_contains", "SIGTERM,SIGHUP"));
  EXPECT_FALSE(Holds("${attr.os.signals}", "set_contains_all", "SIGTERM, SIGUSR1"));
  EXPECT_TRUE(Holds("${attr.os.signals}", "set_contains_any", "SIGTERM, SIGUSR1"));
  EXPECT_FALSE(Holds("${attr.os.signals}", "set_contains_any", "SIGUSR1"));
}

TEST_F(ConstraintTest, VersionsAreHeldAgainstBounds) {
  EXPECT_TRUE(Holds("${attr.kernel.version}", "semver", ">= 5.10, < 7"));
  EXPECT_FALSE(Holds("${attr.kernel.version}", "version", ">= 5.10"));
  EXPECT_FALSE(Holds("${attr.kernel.name}", "version", ">= 5.10"));
}

TEST_F(ConstraintTest, WhatTheNodeLacksHoldsForNotSetAndUnequalOnly) {
  EXPECT_TRUE(Holds("${attr.kernel.name}", "is_set", ""));
  EXPECT_TRUE(Holds("${node.class}", "is_set", ""));
  EXPECT_FALSE(Holds("${attr.kernel.name}", "is_not_set", ""));
  EXPECT_TRUE(Holds("${attr.gpu}", "is_not_set", ""));
  EXPECT_TRUE(Holds("${meta.rack}", "!=", "r7"));
  for (const char* op : {"=", "<", "regexp", "version", "set_contains", "is_set"}) {
    EXPECT_FALSE(Holds("${attr.gpu}", op, "1")) << op;
  }
  EXPECT_FALSE(Holds("${attr.kernel.name}", "=", "${attr.gpu}"));
}

TEST_F(ConstraintTest, EveryOneThatIsNotMetIsToldWithWhatWasFound) {
  Add("${attr.kernel.name}", "", "windows");
  Add("${attr.cpu.numcores}", ">=", "8");
  Add("${attr.gpu}", "is_set", "");
  const ConstraintsJudged judged = Judge();
  EXPECT_THAT(judged.violations, IsEmpty());
  EXPECT_THAT(
      judged.unmet,
      StatusIs(absl::StatusCode::kFailedPrecondition,
               "constraints[0] is not met: ${attr.kernel.name} = 'windows', but it is 'linux' "
               "here; constraints[2] is not met: ${attr.gpu} is_set, but this node does not have "
               "it"));
  EXPECT_EQ(GetReason(judged.unmet), "CONSTRAINT_NOT_MET");
}

TEST_F(ConstraintTest, WhatMakesNoSenseIsAViolation) {
  Add("${node.clas}", "=", "x");
  Add("${attr.kernel.name}", "regexp", "(");
  Add("${attr.gpu}", "version", "new");
  Add("", "=", "");
  Add("${", "=", "${zebra}");
  EXPECT_THAT(Judge().violations,
              ElementsAre(AllOf(Field(&FieldViolation::field, "constraints[0].attribute"),
                                Field(&FieldViolation::description, HasSubstr("'node.class'"))),
                          Field(&FieldViolation::field, "constraints[1].value"),
                          Field(&FieldViolation::field, "constraints[2].value"),
                          Field(&FieldViolation::field, "constraints[3].attribute"),
                          Field(&FieldViolation::field, "constraints[4].attribute"),
                          Field(&FieldViolation::field, "constraints[4].value")));
}

}  // namespace
}  // namespace cloister::task
