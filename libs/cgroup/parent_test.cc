#include "libs/cgroup/parent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libs/base/status_matchers.h"
#include "libs/cgroup/testing/fake_cgroup_fs.h"

namespace cloister::cgroup {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ParentTest : public testing::Test {
 protected:
  // A v2 cgroup with these controllers, of which some are enabled beneath it already.
  void AddV2(const std::string& path, const std::string& available, const std::string& enabled) {
    fs_.Add(path, {{"cgroup.controllers", available}, {"cgroup.subtree_control", enabled}});
  }

  node::CgroupFacts V2() const {
    return {
        node::CgroupLayout::kV2, {{fs_.root(), true, {"cpu", "memory", "pids"}, true, "a"}}, false};
  }

  std::string Enabled(const std::string& path) {
    return fs_.Read(path + "/cgroup.subtree_control");
  }

  FakeCgroupFs fs_;
};

TEST_F(ParentTest, JoinsSupervisorAndEnablesWhatIsMissingOnTheWayDown) {
  AddV2(".", "cpu io memory pids\n", "cpu memory pids\n");
  AddV2("a", "cpu memory pids\n", "pids\n");
  AddV2("a/b", "cpu memory pids\n", "");
  AddV2("a/b/share", "cpu memory pids\n", "");
  AddV2("a/b/reserve", "cpu memory pids\n", "");
  fs_.Add("a/b/supervisor", {{"cgroup.procs", ""}});
  ASSERT_THAT(MakeParent(V2(), "a/b"), IsOk());
  EXPECT_EQ(fs_.Read("a/b/supervisor/cgroup.procs"), "0");
  EXPECT_EQ(Enabled("."), "cpu memory pids\n") << "nothing was missing";
  EXPECT_EQ(Enabled("a"), "+cpu +memory") << "pids was there already";
  EXPECT_EQ(Enabled("a/b"), "+cpu +memory +pids");
  EXPECT_EQ(Enabled("a/b/share"), "+cpu +memory +pids");
  EXPECT_EQ(Enabled("a/b/reserve"), "+cpu +memory +pids");
}

TEST_F(ParentTest, SaysWhereAControllerIsNotDelegatedAndGoesBack) {
  AddV2(".", "cpu memory pids\n", "cpu memory pids\n");
  AddV2("a", "cpu pids\n", "");
  fs_.Add("a", {{"cgroup.procs", ""}});
  fs_.Add("a/b/supervisor", {{"cgroup.procs", ""}});
  EXPECT_THAT(MakeParent(V2(), "a/b"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(StartsWith("cgroup controller 'memory' is not available in " +
                                        fs_.root() + "/a (cgroup v2)"),
                             HasSubstr("Delegate=yes"), HasSubstr("--cgroups=none"))));
  EXPECT_EQ(fs_.Read("a/cgroup.procs"), "0") << "the process is back where it was";
  EXPECT_FALSE(fs_.Exists("a/b/share"));
  EXPECT_FALSE(fs_.Exists("a/b/reserve"));
  EXPECT_TRUE(fs_.Exists("a/b/supervisor")) << "this one was there before";
}

TEST_F(ParentTest, RefusesAParentThatLeadsElsewhere) {
  EXPECT_THAT(MakeParent(V2(), "../x"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(RemoveParent(V2(), "../x", absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(RemoveParent(V2(), "", absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ParentTest, WithoutCgroupsThereIsNoParentToMakeAndNoneToRemove) {
  EXPECT_THAT(MakeParent({}, "a"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--cgroups=none")));
  EXPECT_THAT(RemoveParent({}, "a", absl::ZeroDuration()), IsOk());
}

TEST_F(ParentTest, RemovesTheParentAndNothingAboveOrBeside) {
  for (const char* path :
       {"a/b/share/l1-1", "a/b/share/l1-2/nested", "a/b/supervisor", "a/other"}) {
    fs_.Add(path, {});
  }
  EXPECT_THAT(RemoveParent(V2(), "a/b", absl::ZeroDuration()), IsOk());
  EXPECT_FALSE(fs_.Exists("a/b"));
  EXPECT_TRUE(fs_.Exists("a/other"));
  EXPECT_THAT(RemoveParent(V2(), "a/b", absl::ZeroDuration()), IsOk());
}

}  // namespace
}  // namespace cloister::cgroup
