// A node with a policy of its own: what it says of itself, what tasks can ask of it, and what it
// refuses, through frontend and executor.
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"
#include "tests/testing/task_request.h"

namespace cloister {
namespace {

using testing::HasSubstr;

constexpr char kPolicy[] = R"(
allow_caps = ["net_bind_service"]

ceilings {
  memory = 256
}

node {
  datacenter = "dc7"
  meta {
    rack = "r7"
  }
}
)";

class NodePolicyTest : public ClusterTest {
 protected:
  LocalClusterOptions Options() override {
    const std::string path = absl::StrCat(testing::TempDir(), "/policy.hcl");
    std::ofstream(path) << kPolicy;
    LocalClusterOptions options;
    options.executor_flags = {absl::StrCat("--policy=", path)};
    return options;
  }

  // Of a task within the ceiling.
  static v1::StartTaskRequest Request(const std::vector<std::string>& command) {
    v1::StartTaskRequest request = TaskRequest(command);
    request.mutable_config()->mutable_resources()->set_memory(64);
    return request;
  }

  std::string ReasonOf(const v1::StartTaskRequest& request) {
    return GetReason(cluster().Run(request).status());
  }
};

TEST_F(NodePolicyTest, TheFrontendShowsWhatTheNodeSays) {
  const auto node = cluster().client().GetNode(cluster().node_id(1));
  ASSERT_THAT(node, IsOk());
  EXPECT_EQ(node->attributes().at("node.datacenter"), "dc7");
  EXPECT_EQ(node->attributes().at("meta.rack"), "r7");
  EXPECT_EQ(node->attributes().at("attr.kernel.name"), "linux");
  EXPECT_EQ(node->attributes().at("attr.kernel.version"), node->kernel());
  EXPECT_EQ(node->attributes().count("attr.unique.storage.bytesfree"), 1u);
}

TEST_F(NodePolicyTest, ATaskSeesItsNodeAndItselfInWhatItWasGiven) {
  v1::StartTaskRequest request =
      Request({"/bin/echo", "${meta.rack}", "${NOMAD_DC}", "${env[\"WHERE\"]}", "$${HOME}",
               "${NOMAD_MEMORY_LIMIT}", "${NOMAD_ALLOC_ID}"});
  (*request.mutable_config()->mutable_env())["WHERE"] = "${NOMAD_TASK_DIR}/x";
  const auto outcome = cluster().Run(request);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->out, absl::StrCat("r7 dc7 /local/x ${HOME} 64 ", outcome->task.id(), "\n"));
  // What was asked for is shown as it was asked.
  EXPECT_EQ(outcome->task.config().config().args(0), "${meta.rack}");
}

TEST_F(NodePolicyTest, AnUnknownNameIsAViolationWithASuggestion) {
  const auto outcome = cluster().Run(Request({"/bin/echo", "${meta.rakc}"}));
  EXPECT_THAT(outcome,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("did you mean 'meta.rack'?")));
}

TEST_F(NodePolicyTest, AConstraintThatDoesNotHoldRefusesTheStart) {
  v1::StartTaskRequest request = Request({"/bin/true"});
  v1::Constraint* constraint = request.mutable_config()->add_constraints();
  constraint->set_attribute("${node.datacenter}");
  constraint->set_value("dc7");
  EXPECT_THAT(cluster().Run(request), IsOk());
  request.set_request_id(RandomId());
  constraint->set_value("dc8");
  EXPECT_EQ(ReasonOf(request), "CONSTRAINT_NOT_MET");
}

TEST_F(NodePolicyTest, WhatThePolicyDoesNotAllowIsRefused) {
  v1::StartTaskRequest chown = Request({"/bin/true"});
  chown.mutable_config()->mutable_config()->add_cap_add("chown");
  EXPECT_EQ(ReasonOf(chown), "CAPABILITY_NOT_ALLOWED");
  v1::StartTaskRequest large = Request({"/bin/true"});
  large.mutable_config()->mutable_resources()->set_memory(257);
  EXPECT_EQ(ReasonOf(large), "INVALID_FIELDS");
}

}  // namespace
}  // namespace cloister
