#include "libs/base/field_violations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

TEST(FieldViolations, NoneIsOk) { EXPECT_THAT(InvalidArgument({}), IsOk()); }

TEST(FieldViolations, OneReadsAsItsOwnSentence) {
  EXPECT_THAT(
      InvalidArgument({{"config.user", "no user 'nobdy' on this node"}}),
      StatusIs(absl::StatusCode::kInvalidArgument, "config.user: no user 'nobdy' on this node"));
}

TEST(FieldViolations, SeveralAreCountedInTheMessage) {
  EXPECT_THAT(
      InvalidArgument({{"a", "is empty"}, {"b", "is 0"}}),
      StatusIs(absl::StatusCode::kInvalidArgument, "2 fields are wrong: a: is empty; b: is 0"));
}

TEST(FieldViolations, AllComeBackWithEveryByte) {
  const std::vector<FieldViolation> violations = {
      {"config.args[0]", std::string("holds a NUL byte: '\0'", 21)},
      {"", "the request is empty"},
      {"config.env", std::string(5000, 'x')},
      {"config.env", ""},
  };
  EXPECT_THAT(GetFieldViolations(InvalidArgument(violations)), ElementsAreArray(violations));
}

TEST(FieldViolations, CarryAReason) {
  EXPECT_EQ(GetReason(InvalidArgument({{"a", "is empty"}})), "INVALID_FIELDS");
}

TEST(FieldViolations, OtherStatusesHaveNone) {
  EXPECT_THAT(GetFieldViolations(absl::OkStatus()), IsEmpty());
  EXPECT_THAT(GetFieldViolations(absl::InvalidArgumentError("x")), IsEmpty());
}

TEST(FieldViolations, AForeignPayloadThatIsBrokenGivesWhatCanBeRead) {
  absl::Status status = absl::InvalidArgumentError("x");
  status.SetPayload("type.googleapis.com/google.rpc.BadRequest", absl::Cord("\x0a\x7f"
                                                                            "cut"));
  EXPECT_THAT(GetFieldViolations(status), IsEmpty());
}

}  // namespace
}  // namespace cloister
