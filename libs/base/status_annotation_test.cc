#include "libs/base/status_annotation.h"

#include <gtest/gtest.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

TEST(Annotate, PutsTheContextInFrontAndKeepsTheCode) {
  EXPECT_THAT(Annotate(absl::NotFoundError("no such file"), "while reading task ", 7),
              StatusIs(absl::StatusCode::kNotFound, "while reading task 7: no such file"));
}

TEST(Annotate, KeepsPayloads) {
  absl::Status status = absl::InvalidArgumentError("bad");
  status.SetPayload("type.example/details", absl::Cord("payload"));
  const absl::Status annotated = Annotate(status, "in the request");
  EXPECT_EQ(annotated.GetPayload("type.example/details"), absl::Cord("payload"));
}

TEST(Annotate, LeavesOkAlone) { EXPECT_THAT(Annotate(absl::OkStatus(), "unused"), IsOk()); }

TEST(Annotate, PassesAValueThrough) {
  absl::StatusOr<std::unique_ptr<int>> value =
      Annotate(absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(5)), "unused");
  ASSERT_THAT(value, IsOk());
  EXPECT_EQ(**value, 5);
}

TEST(Annotate, AnnotatesTheErrorInPlaceOfAValue) {
  EXPECT_THAT(Annotate(absl::StatusOr<int>(absl::InternalError("broken")), "while counting"),
              StatusIs(absl::StatusCode::kInternal, "while counting: broken"));
}

}  // namespace
}  // namespace cloister
