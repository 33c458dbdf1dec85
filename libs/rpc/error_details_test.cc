#include "libs/rpc/error_details.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/base/status_matchers.h"

namespace cloister::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;

TEST(ErrorDetails, RetryDelayComesBack) {
  const absl::Duration delay = absl::Milliseconds(1500);
  EXPECT_EQ(GetRetryDelay(WithRetryDelay(absl::UnavailableError("x"), delay)), delay);
}

TEST(ErrorDetails, RetryDelayIsNeverNegativeOrInfinite) {
  const absl::Status status = absl::UnavailableError("x");
  EXPECT_EQ(GetRetryDelay(WithRetryDelay(status, -absl::Seconds(1))), absl::ZeroDuration());
  EXPECT_LT(*GetRetryDelay(WithRetryDelay(status, absl::InfiniteDuration())),
            absl::InfiniteDuration());
}

TEST(ErrorDetails, ResourceComesBack) {
  const absl::Status status = WithResource(absl::NotFoundError("no task q7"), "task", "q7");
  ASSERT_TRUE(GetResource(status).has_value());
  EXPECT_THAT(*GetResource(status), FieldsAre("task", "q7"));
}

TEST(ErrorDetails, PreconditionViolationsComeBack) {
  const absl::Status status = WithPreconditionViolations(
      absl::FailedPreconditionError("x"),
      {{"TASK_STATE", "task/q7", "is still running"}, {"TASK_STATE", "task/q8", "is gone"}});
  EXPECT_THAT(GetPreconditionViolations(status),
              ElementsAre(FieldsAre("TASK_STATE", "task/q7", "is still running"),
                          FieldsAre("TASK_STATE", "task/q8", "is gone")));
}

TEST(ErrorDetails, DetailsOfDifferentKindsStandTogether) {
  absl::Status status = WithResource(absl::UnavailableError("x"), "node", "n1");
  status = WithRetryDelay(std::move(status), absl::Seconds(1));
  EXPECT_TRUE(GetResource(status).has_value());
  EXPECT_TRUE(GetRetryDelay(status).has_value());
}

TEST(ErrorDetails, AnOkStatusTakesNone) {
  EXPECT_THAT(WithRetryDelay(absl::OkStatus(), absl::Seconds(1)), IsOk());
  EXPECT_EQ(GetRetryDelay(WithRetryDelay(absl::OkStatus(), absl::Seconds(1))), absl::nullopt);
}

TEST(ErrorDetails, ABrokenPayloadIsNone) {
  absl::Status status = absl::UnavailableError("x");
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo", absl::Cord("\x0a\x7f"));
  EXPECT_EQ(GetRetryDelay(status), absl::nullopt);
  EXPECT_FALSE(GetResource(status).has_value());
  EXPECT_THAT(GetPreconditionViolations(status), IsEmpty());
}

}  // namespace
}  // namespace cloister::rpc
