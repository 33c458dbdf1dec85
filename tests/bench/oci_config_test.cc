#include "tests/bench/oci_config.h"

#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/node/node_policy.h"
#include "libs/plan/make_launch_plan.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::bench {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class OciConfigTest : public ::testing::Test {
 protected:
  OciConfigTest()
      : plan_(*plan::MakeLaunchPlan(
            plan::ExampleSpec("config { command: '/bin/true' }"), plan::ExampleNobody(),
            plan::ExampleFacts(node::CgroupLayout::kV2), node::DefaultNodePolicy())) {}

  std::string Config(const PeerSeccomp& seccomp = {}) const {
    return MakeOciConfig(plan_, {"/b/root", "/b/0", "/bench/c"}, seccomp);
  }

  internal::LaunchPlan plan_;
};

TEST_F(OciConfigTest, IsJson) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(Config(), &parsed).ok()) << Config();
}

TEST_F(OciConfigTest, RunsThePayloadAsThePlanDoes) {
  EXPECT_THAT(Config(),
              AllOf(HasSubstr(R"("uid":65534,"gid":65534,"umask":18,"additionalGids":[])"),
                    HasSubstr(R"("args":["/bin/true"])"), HasSubstr(R"("noNewPrivileges":true)"),
                    HasSubstr(R"("effective":[],"inheritable":[],"permitted":[],"ambient":[])"),
                    HasSubstr(R"("bounding":["CAP_AUDIT_WRITE","CAP_CHOWN",)"),
                    HasSubstr(R"({"type":"RLIMIT_CORE","hard":0,"soft":0})")));
}

TEST_F(OciConfigTest, GivesItTheSameRoot) {
  EXPECT_THAT(
      Config(),
      AllOf(
          HasSubstr(R"("root":{"path":"/b/root","readonly":true})"),
          HasSubstr(
              R"({"destination":"/usr","type":"bind","source":"/usr","options":["rbind","ro",)"),
          HasSubstr(
              R"({"destination":"/tmp","type":"bind","source":"/b/0/tmp","options":["bind","nosuid","nodev","rw"]})"),
          HasSubstr(R"("/dev/shm")"), HasSubstr(R"("mode=1777","size=67108864")"),
          HasSubstr(R"("/dev/mqueue")"), HasSubstr(R"("/dev/pts")")));
}

TEST_F(OciConfigTest, FencesItAlike) {
  EXPECT_THAT(
      Config(),
      AllOf(
          HasSubstr(
              R"("namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"}])"),
          HasSubstr(R"("cgroupsPath":"/bench/c")"), HasSubstr(R"("limit":314572800)"),
          HasSubstr(R"("cpu":{"shares":100},"pids":{"limit":1024})"), HasSubstr(R"("/proc/kcore")"),
          HasSubstr(R"("/sys/firmware")"), HasSubstr(R"("readonlyPaths":["/proc/bus")")));
}

TEST_F(OciConfigTest, HasNoResourcesWhereTasksHaveNone) {
  plan_.clear_cgroup();
  EXPECT_THAT(Config(), HasSubstr(R"("resources":{})"));
}

TEST_F(OciConfigTest, HasSeccompOnlyWhereTasksHaveIt) {
  EXPECT_THAT(Config(), Not(HasSubstr("seccomp")));
  EXPECT_THAT(Config({R"({"defaultAction":"SCMP_ACT_ERRNO"})", ""}),
              HasSubstr(R"("seccomp":{"defaultAction":"SCMP_ACT_ERRNO"})"));
}

}  // namespace
}  // namespace cloister::bench
