#include "libs/base/error_reason.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

using ::testing::IsEmpty;

TEST(ErrorReason, ComesBackWithItsMetadata) {
  const ReasonMetadata metadata = {{"node_id", "n7"}, {"empty", ""}, {"task_id", "abc"}};
  const absl::Status status =
      WithReason(absl::NotFoundError("no task abc"), "TASK_NOT_FOUND", metadata);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "no task abc"));
  EXPECT_EQ(GetReason(status), "TASK_NOT_FOUND");
  EXPECT_EQ(GetReasonMetadata(status), metadata);
}

TEST(ErrorReason, TheLastOneStands) {
  const absl::Status status =
      WithReason(WithReason(absl::NotFoundError("x"), "FIRST", {{"a", "b"}}), "SECOND");
  EXPECT_EQ(GetReason(status), "SECOND");
  EXPECT_THAT(GetReasonMetadata(status), IsEmpty());
}

TEST(ErrorReason, AnOkStatusHasNone) {
  EXPECT_THAT(WithReason(absl::OkStatus(), "NOTHING"), IsOk());
  EXPECT_EQ(GetReason(WithReason(absl::OkStatus(), "NOTHING")), "");
}

TEST(ErrorReason, AStatusWithoutReasonHasNone) {
  EXPECT_EQ(GetReason(absl::NotFoundError("x")), "");
  EXPECT_THAT(GetReasonMetadata(absl::NotFoundError("x")), IsEmpty());
}

}  // namespace
}  // namespace cloister
