#include "libs/launch/flat_plan.h"

#include <sys/mount.h>

#include <string>

#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/launch/report_message.h"

namespace cloister {
namespace launch {
namespace {

internal::LaunchPlan Plan(const std::string& text) {
  internal::LaunchPlan plan;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &plan));
  return plan;
}

TEST(FlatPlan, WritesCandidatesThenArgumentsForInit) {
  const internal::LaunchPlan plan =
      Plan("exec { candidates: '/local/x' candidates: '/x' args: 'a' args: '' env: 'A=1' }");
  auto flat = FlatPlan::Make(plan, 0);
  ASSERT_THAT(flat, IsOk());
  const char* const expected[] = {"/local/x", "/x", "", "a", ""};
  char* const* argv = (*flat)->context().init_argv;
  for (const char* word : expected) EXPECT_STREQ(*argv++, word);
  EXPECT_EQ(*argv, nullptr);
  EXPECT_STREQ((*flat)->context().envp[0], "A=1");
  EXPECT_EQ((*flat)->context().envp[1], nullptr);
}

TEST(FlatPlan, EveryMountIsNosuidAndAllButDevptsNodev) {
  const internal::LaunchPlan plan = Plan(R"(
      exec { candidates: '/x' }
      mounts { kind: KIND_PROC inside: '/proc' }
      mounts { kind: KIND_DEVPTS inside: '/dev/pts' }
      mounts { kind: KIND_TMPFS inside: '/dev/shm' mode: 01777 size_bytes: 4096 noexec: true }
      mounts { kind: KIND_MQUEUE inside: '/dev/mqueue' }
      mounts { kind: KIND_TMPFS inside: '/t' read_only: true })");
  auto flat = FlatPlan::Make(plan, 0);
  ASSERT_THAT(flat, IsOk());
  const ChildContext& context = (*flat)->context();
  ASSERT_EQ(context.mount_count, 5);
  for (int i = 0; i < context.mount_count; ++i) {
    EXPECT_NE(context.mounts[i].flags & MS_NOSUID, 0u) << i;
    EXPECT_EQ((context.mounts[i].flags & MS_NODEV) != 0, i != 1) << i;
    EXPECT_EQ((context.mounts[i].flags & MS_NOEXEC) != 0, i != 4) << i;
  }
  EXPECT_STREQ(context.mounts[2].options, "mode=1777,size=4096");
  EXPECT_NE(context.mounts[4].flags & MS_RDONLY, 0u);
}

TEST(FlatPlan, ATmpfsOfTheTasksOwnIsItsUsersAndStaysInMemory) {
  const internal::LaunchPlan plan = Plan(R"(
      exec { candidates: '/x' } identity { uid: 7 gid: 8 }
      mounts { kind: KIND_TMPFS inside: '/secrets' mode: 448 size_bytes: 4096 owned: true
               noswap: true })");
  auto flat = FlatPlan::Make(plan, 0);
  ASSERT_THAT(flat, IsOk());
  EXPECT_STREQ((*flat)->context().mounts[0].options, "mode=700,size=4096,uid=7,gid=8,noswap");
}

TEST(FlatPlan, WithARangeOfIdsTheTasksOwnIsOfThatRange) {
  const std::string mounts = R"(
      exec { candidates: '/x' }
      mounts { kind: KIND_TMPFS inside: '/secrets' mode: 448 size_bytes: 4096 owned: true }
      mounts { kind: KIND_DEVPTS inside: '/dev/pts' } )";
  const internal::LaunchPlan plan = Plan(mounts + R"(
      identity { uid: 7 gid: 8 user_namespace { first: 100000 count: 65536 outside_uid: 100007
                                                outside_gid: 100008 } })");
  auto flat = FlatPlan::Make(plan, 0);
  ASSERT_THAT(flat, IsOk());
  const ChildContext& context = (*flat)->context();
  EXPECT_STREQ(context.mounts[0].options, "mode=700,size=4096,uid=100007,gid=100008");
  EXPECT_THAT(context.mounts[1].options, testing::HasSubstr(",gid=100005"));
  // It comes with all that the kernel knows.
  EXPECT_EQ(context.bounding_drop, ~uint64_t{0});
  EXPECT_EQ(context.uid_map, nullptr);
  EXPECT_EQ(context.user_namespace, -1);
  for (const char* wrong : {"first: 0", "first: 4294901761"}) {
    const internal::LaunchPlan unassigned =
        Plan(mounts + "identity { user_namespace { count: 65536 " + wrong + " } }");
    EXPECT_THAT(FlatPlan::Make(unassigned, 0),
                StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("not assigned")));
  }
}

TEST(FlatPlan, OnlyVolumesAreAtPlacesThatTheTaskHasChosen) {
  const internal::LaunchPlan plan = Plan(R"(
      exec { candidates: '/x' }
      mounts { kind: KIND_TASK_DIRECTORY inside: '/local' source: 'local' }
      mounts { kind: KIND_HOST_DIRECTORY inside: '/srv' outside: '/srv' })");
  auto flat = FlatPlan::Make(plan, 0);
  ASSERT_THAT(flat, IsOk());
  EXPECT_FALSE((*flat)->context().mounts[0].chosen);
  EXPECT_TRUE((*flat)->context().mounts[1].chosen);
}

TEST(FlatPlan, WhatIsCopiedIsNoMount) {
  const internal::LaunchPlan plan = Plan(R"(
      exec { candidates: '/x' }
      identity { uid: 1000 gid: 1001 }
      mounts { kind: KIND_TMPFS inside: '/secrets' mode: 0700 }
      mounts { kind: KIND_COPIED inside: '/secrets/d' mode: 0755 owned: true }
      mounts { kind: KIND_COPIED inside: '/secrets/d/f' outside: '/c/f' mode: 0640 }
      mounts { kind: KIND_COPIED inside: '/secrets/l' source: 'd/f' })");
  auto flat = FlatPlan::Make(plan, 0);
  ASSERT_THAT(flat, IsOk());
  const ChildMount* mounts = (*flat)->context().mounts;
  EXPECT_EQ(mounts[0].copy, nullptr);
  ASSERT_NE(mounts[1].copy, nullptr);
  EXPECT_EQ(mounts[1].copy->target, nullptr);
  EXPECT_EQ(mounts[1].copy->uid, 1000u);
  EXPECT_EQ(mounts[1].copy->gid, 1001u);
  EXPECT_EQ(mounts[2].copy->mode, 0640u);
  EXPECT_EQ(mounts[2].copy->uid, 0u);
  EXPECT_STREQ(mounts[3].copy->target, "d/f");
}

TEST(FlatPlan, DropsWhatTheThreadHasAndThePlanHasNot) {
  auto flat = FlatPlan::Make(Plan("exec { candidates: '/x' } capabilities { bounding: 6 }"), 0xF);
  ASSERT_THAT(flat, IsOk());
  EXPECT_EQ((*flat)->context().bounding_drop, 0x9u);
}

TEST(FlatPlan, RefusesWhatNoPlannerMakes) {
  EXPECT_THAT(FlatPlan::Make(Plan(""), 0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FlatPlan::Make(Plan("exec { candidates: '' }"), 0),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FlatPlan::Make(Plan("exec { candidates: '/x' } mounts { inside: '/y' }"), 0),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FlatPlan::Make(Plan("exec { candidates: '/x' } masks { inside: '/y' }"), 0),
              StatusIs(absl::StatusCode::kInvalidArgument));
  internal::LaunchPlan many = Plan("exec { candidates: '/x' }");
  for (int i = 0; i <= kMaxMounts; ++i) many.add_mounts()->set_kind(internal::Mount::KIND_PROC);
  EXPECT_THAT(FlatPlan::Make(many, 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ReportMessage, StepOfInitIsTheProtocols) {
  EXPECT_EQ(static_cast<int>(internal::LAUNCH_STEP_EXEC), kStepExec);
}

TEST(InsideSteps, CapabilitiesComeAfterIdentityAndTheWorkDirectoryLast) {
  const StepList steps = InsideSteps();
  auto place = [&](internal::LaunchStep step) {
    for (int i = 0; i < steps.count; ++i) {
      if (steps.steps[i] == step) return i;
    }
    return -1;
  };
  EXPECT_LT(place(internal::LAUNCH_STEP_BOUNDING_SET), place(internal::LAUNCH_STEP_IDENTITY));
  EXPECT_LT(place(internal::LAUNCH_STEP_IDENTITY), place(internal::LAUNCH_STEP_CAPABILITIES));
  EXPECT_LT(place(internal::LAUNCH_STEP_IDENTITY), place(internal::LAUNCH_STEP_DEATH_SIGNAL));
  EXPECT_LT(place(internal::LAUNCH_STEP_IDENTITY), place(internal::LAUNCH_STEP_CWD));
  EXPECT_LT(place(internal::LAUNCH_STEP_CGROUP_JOIN),
            place(internal::LAUNCH_STEP_CGROUP_NAMESPACE));
  // Paths that the task names are followed only when no descriptor of ours is left
  // (CVE-2024-21626).
  EXPECT_LT(place(internal::LAUNCH_STEP_FDS), place(internal::LAUNCH_STEP_CWD));
  EXPECT_LT(place(internal::LAUNCH_STEP_CWD), place(internal::LAUNCH_STEP_LANDLOCK));
  EXPECT_LT(place(internal::LAUNCH_STEP_MOUNTS), place(internal::LAUNCH_STEP_LANDLOCK));
  EXPECT_EQ(place(internal::LAUNCH_STEP_SECCOMP), steps.count - 3);
  EXPECT_EQ(place(internal::LAUNCH_STEP_LAST_CAPABILITIES), steps.count - 2);
  EXPECT_EQ(place(internal::LAUNCH_STEP_INIT), steps.count - 1);
}

}  // namespace
}  // namespace launch
}  // namespace cloister
