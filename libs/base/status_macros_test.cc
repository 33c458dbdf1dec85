#include "libs/base/status_macros.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

absl::Status Twice(const absl::Status& status, int& evaluations, bool& reached_end) {
  CLOISTER_RETURN_IF_ERROR((++evaluations, status));
  CLOISTER_RETURN_IF_ERROR((++evaluations, status));
  reached_end = true;
  return absl::OkStatus();
}

absl::StatusOr<int> Sum(absl::StatusOr<int> a, absl::StatusOr<std::unique_ptr<int>> b) {
  int sum = 0;
  CLOISTER_ASSIGN_OR_RETURN(sum, std::move(a));
  CLOISTER_ASSIGN_OR_RETURN(const std::unique_ptr<int> second, std::move(b));
  return sum + *second;
}

absl::StatusOr<int> InsideIf(bool condition, const absl::Status& status) {
  if (condition)
    CLOISTER_RETURN_IF_ERROR(status);
  else
    return 2;
  return 1;
}

TEST(ReturnIfError, ReturnsTheFirstErrorAtOnce) {
  int evaluations = 0;
  bool reached_end = false;
  EXPECT_THAT(Twice(absl::AbortedError("no"), evaluations, reached_end),
              StatusIs(absl::StatusCode::kAborted, "no"));
  EXPECT_EQ(evaluations, 1);
  EXPECT_FALSE(reached_end);
}

TEST(ReturnIfError, EvaluatesOnceAndGoesOn) {
  int evaluations = 0;
  bool reached_end = false;
  EXPECT_THAT(Twice(absl::OkStatus(), evaluations, reached_end), IsOk());
  EXPECT_EQ(evaluations, 2);
  EXPECT_TRUE(reached_end);
}

TEST(ReturnIfError, StandsWhereOneStatementStands) {
  EXPECT_THAT(InsideIf(true, absl::OkStatus()), IsOkAndHolds(1));
  EXPECT_THAT(InsideIf(false, absl::OkStatus()), IsOkAndHolds(2));
  EXPECT_THAT(InsideIf(true, absl::InternalError("x")), StatusIs(absl::StatusCode::kInternal));
}

TEST(AssignOrReturn, AssignsAndDeclares) {
  EXPECT_THAT(Sum(1, std::make_unique<int>(2)), IsOkAndHolds(3));
}

TEST(AssignOrReturn, ReturnsTheError) {
  EXPECT_THAT(Sum(absl::NotFoundError("a"), std::make_unique<int>(2)),
              StatusIs(absl::StatusCode::kNotFound, "a"));
  EXPECT_THAT(Sum(1, absl::NotFoundError("b")), StatusIs(absl::StatusCode::kNotFound, "b"));
}

}  // namespace
}  // namespace cloister
