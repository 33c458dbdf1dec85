#include "libs/artifact/retryable.h"

#include <gtest/gtest.h>

#include "libs/base/status_annotation.h"

namespace cloister::artifact {
namespace {

TEST(Retryable, IsAMarkThatAnnotationKeeps) {
  const absl::Status busy = MarkRetryable(absl::UnavailableError("busy"), absl::Seconds(7));
  EXPECT_TRUE(IsRetryable(busy));
  EXPECT_EQ(RetryAfter(busy), absl::Seconds(7));
  EXPECT_TRUE(IsRetryable(Annotate(busy, "artifact[0]")));
  EXPECT_EQ(RetryAfter(Annotate(busy, "artifact[0]")), absl::Seconds(7));
}

TEST(Retryable, IsNotWhatWasNotMarked) {
  EXPECT_FALSE(IsRetryable(absl::UnavailableError("busy")));
  EXPECT_EQ(RetryAfter(absl::UnavailableError("busy")), absl::ZeroDuration());
  EXPECT_TRUE(MarkRetryable(absl::OkStatus()).ok());
  EXPECT_FALSE(IsRetryable(MarkRetryable(absl::OkStatus())));
}

}  // namespace
}  // namespace cloister::artifact
