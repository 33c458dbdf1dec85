#include "libs/artifact/unpack_limits.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

TEST(UnpackLimits, WhatIsNotAskedForIsTheNodes) {
  UnpackLimits ceiling;
  ceiling.files = 7;
  const auto limits = ApplyLimits({}, ceiling);
  ASSERT_THAT(limits, IsOk());
  EXPECT_EQ(limits->files, 7u);
}

TEST(UnpackLimits, AnArtifactMayAskForTheCeilingAndForLess) {
  UnpackLimits ceiling;
  ceiling.files = 7;
  LimitRequest request;
  request.files = 7;
  request.bytes = 10;
  request.deadline = absl::Seconds(1);
  const auto limits = ApplyLimits(request, ceiling);
  ASSERT_THAT(limits, IsOk());
  EXPECT_EQ(limits->files, 7u);
  EXPECT_EQ(limits->bytes, 10u);
  EXPECT_EQ(limits->deadline, absl::Seconds(1));
}

TEST(UnpackLimits, EveryOptionOverTheCeilingIsNamed) {
  UnpackLimits ceiling;
  ceiling.files = 7;
  LimitRequest request;
  request.files = 8;
  request.deadline = absl::Hours(1);
  const auto limits = ApplyLimits(request, ceiling);
  ASSERT_FALSE(limits.ok());
  EXPECT_THAT(GetFieldViolations(limits.status()),
              testing::ElementsAre(
                  FieldViolation{"options[max_files]", "8 is more than this node allows: 7"},
                  FieldViolation{"options[timeout]", "1h is more than this node allows: 30m"}));
}

}  // namespace
}  // namespace cloister::artifact
