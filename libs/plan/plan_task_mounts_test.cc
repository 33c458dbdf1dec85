#include "libs/plan/plan_task_mounts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using internal::Mount;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PlanTaskMountsTest : public testing::Test {
 protected:
  PlanTaskMountsTest() {
    policy_.allowed_mount_sources = {"/srv"};
    policy_.private_directories = {"/srv/cloister", "/run/cloister/x"};
    root_.add_binds()->set_inside("/usr");
  }

  absl::StatusOr<std::vector<Mount>> Plan(absl::string_view mounts) {
    return PlanTaskMounts(ExampleSpec(absl::StrCat("config { command: 'x' ", mounts, " }")),
                          policy_, &root_);
  }
  absl::Status Bind(absl::string_view source) {
    return Plan(absl::StrCat("mounts { type: 'bind' destination: '/x' source: '", source, "' }"))
        .status();
  }

  node::NodePolicy policy_ = node::DefaultNodePolicy();
  internal::RootTemplate root_;
};

TEST_F(PlanTaskMountsTest, ABindIsWhatThePolicyLetsItBe) {
  const auto mounts = Plan(
      "mounts { type: 'bind' source: '/srv/a' destination: '/a' read_only: true noexec: true }"
      "mounts { type: 'bind' source: '/srv' destination: '/local/b' }");
  // /srv would show /srv/cloister.
  EXPECT_THAT(mounts.status(), StatusIs(absl::StatusCode::kPermissionDenied));
  const auto one = Plan(
      "mounts { type: 'bind' source: '/srv/a' destination: '/a/b' read_only: true noexec: true }");
  ASSERT_THAT(one, IsOk());
  ASSERT_EQ(one->size(), 1u);
  EXPECT_EQ((*one)[0].kind(), Mount::KIND_HOST_DIRECTORY);
  EXPECT_EQ((*one)[0].outside(), "/srv/a");
  EXPECT_EQ((*one)[0].inside(), "/a/b");
  EXPECT_TRUE((*one)[0].read_only());
  EXPECT_TRUE((*one)[0].noexec());
  EXPECT_THAT((*one)[0].forbidden(), ElementsAre("/srv/cloister", "/run/cloister/x"));
  EXPECT_EQ(root_.directories_size(), 2);
}

TEST_F(PlanTaskMountsTest, WhatIsNotAllowedOrOursIsRefused) {
  for (const char* source : {"/srvx", "/etc", "/srv/cloister", "/srv/cloister/tasks", "/srv"}) {
    const absl::Status refused = Bind(source);
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied)) << source;
    EXPECT_EQ(GetReason(refused), "MOUNT_SOURCE_NOT_ALLOWED");
  }
  EXPECT_THAT(Bind("/srv/a"), IsOk());
  policy_.allowed_mount_sources.clear();
  EXPECT_THAT(Bind("/srv/a"), StatusIs(testing::_, HasSubstr("lets tasks bind nothing")));
}

TEST_F(PlanTaskMountsTest, MemoryBelongsToTheTask) {
  const auto mounts = Plan(
      "mounts { type: 'tmpfs' destination: '/tmp/t' size: 8192 mode: '0700' }"
      "mounts { type: 'own' destination: '/tmp' }");
  ASSERT_THAT(mounts, IsOk());
  ASSERT_EQ(mounts->size(), 1u);
  EXPECT_EQ((*mounts)[0].kind(), Mount::KIND_TMPFS);
  EXPECT_EQ((*mounts)[0].size_bytes(), 8192u);
  EXPECT_EQ((*mounts)[0].mode(), 0700u);
  EXPECT_TRUE((*mounts)[0].owned());
  EXPECT_TRUE((*mounts)[0].chosen());
  EXPECT_EQ((*mounts)[0].mount_point(), "tmp/t");
}

TEST_F(PlanTaskMountsTest, APlaceWithoutRoomIsAViolation) {
  const auto refused = Plan("mounts { type: 'tmpfs' destination: '/usr/x' }");
  const std::vector<FieldViolation> violations = GetFieldViolations(refused.status());
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field, "config.mounts[0].destination");
  EXPECT_THAT(violations[0].description, HasSubstr("lies in '/usr'"));
}

}  // namespace
}  // namespace cloister::plan
