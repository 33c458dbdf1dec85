#include "libs/engine/node_planner.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"

namespace cloister::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr char kTaskId[] = "abcdefghijklmnopqrstuvwxyz";

class NodePlannerTest : public testing::Test {
 protected:
  NodePlannerTest() {
    node::NodePolicy policy = node::DefaultNodePolicy();
    policy.limit_by_cgroups = false;
    policy.chroot_entries = {{"/bin", "/bin"}};
    node::NodeFacts facts;
    facts.kernel_release = "6.1.0";
    facts.attributes = {{"attr.kernel.name", "linux"}, {"node.datacenter", "dc7"}};
    facts.chroot_sources = {{"/bin", node::HostPath::Kind::kDirectory, false, "/bin"}};
    for (const auto& paths : {policy.hidden_paths, policy.read_only_paths}) {
      for (const std::string& path : paths) facts.mask_targets.push_back({path});
    }
    facts.hard_limits.fill(1 << 20);
    facts.capabilities = policy.default_capabilities;
    planner_ = std::make_unique<NodePlanner>(
        facts, policy, [](const task::UserField&) -> absl::StatusOr<task::ResolvedUser> {
          task::ResolvedUser user;
          user.name = "nobody";
          user.uid = 65534;
          user.gid = 65534;
          user.home = "/nonexistent";
          user.gid_from_passwd = true;
          return user;
        });
    config_.mutable_config()->set_command("/bin/true");
    config_.mutable_resources()->set_memory(64);
  }

  std::unique_ptr<NodePlanner> planner_;
  v1::TaskConfig config_;
};

TEST_F(NodePlannerTest, AConfigBecomesAPlanOfItsUser) {
  auto planned = planner_->Plan(config_, kTaskId);
  ASSERT_THAT(planned, IsOk());
  EXPECT_EQ(planned->memory_mib, 64);
  EXPECT_EQ(planned->plan.identity().uid(), 65534);
  EXPECT_EQ(planner_->Fence(planned->plan).uid(), 65534);
}

TEST_F(NodePlannerTest, EveryViolationIsTold) {
  config_.mutable_config()->clear_command();
  config_.mutable_resources()->set_memory(-1);
  EXPECT_THAT(GetFieldViolations(planner_->Plan(config_, kTaskId).status()), SizeIs(2));
  EXPECT_THAT(GetFieldViolations(planner_->Explain(config_).status()), SizeIs(2));
}

TEST_F(NodePlannerTest, AnExplanationWithholdsEnvironmentValues) {
  (*config_.mutable_env())["TOKEN"] = "hunter2";
  auto explanation = planner_->Explain(config_);
  ASSERT_THAT(explanation, IsOk());
  EXPECT_THAT(explanation->plan, HasSubstr("TOKEN"));
  EXPECT_THAT(explanation->plan, testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(explanation->text, testing::Not(HasSubstr("hunter2")));
}

TEST_F(NodePlannerTest, AFailureIsDescribedByItsPlan) {
  auto planned = planner_->Plan(config_, kTaskId);
  ASSERT_THAT(planned, IsOk());
  internal::LaunchFailure failure;
  failure.set_step(internal::LAUNCH_STEP_EXEC);
  failure.set_error_number(2);
  EXPECT_EQ(planner_->Describe(planned->plan, failure),
            "EXEC '/bin/true': no such file or directory");
}

TEST_F(NodePlannerTest, ReferencesAreReplacedByWhatThisNodeKnows) {
  config_.mutable_config()->add_args("${attr.kernel.name}");
  config_.mutable_config()->add_args("${NOMAD_ALLOC_ID}");
  config_.mutable_config()->set_work_dir("${NOMAD_TASK_DIR}");
  (*config_.mutable_env())["WHERE"] = "${NOMAD_DC}";
  auto planned = planner_->Plan(config_, kTaskId);
  ASSERT_THAT(planned, IsOk());
  EXPECT_THAT(planned->plan.exec().args(), ElementsAre("linux", kTaskId));
  EXPECT_EQ(planned->plan.exec().work_dir(), "/local");
  EXPECT_THAT(planned->plan.exec().env(), Contains("WHERE=dc7"));
  EXPECT_THAT(planned->plan.exec().env(), Contains("NOMAD_SHORT_ALLOC_ID=abcdefgh"));
}

TEST_F(NodePlannerTest, AnExplanationSaysWhatReferencesStandForButNotOfTheTasksOwn) {
  config_.mutable_config()->set_work_dir("/local/${node.datacenter}");
  (*config_.mutable_env())["TOKEN"] = "hunter2";
  v1::Constraint* constraint = config_.add_constraints();
  constraint->set_attribute("${env.TOKEN}");
  constraint->set_value("hunter2");
  auto explanation = planner_->Explain(config_);
  ASSERT_THAT(explanation, IsOk());
  EXPECT_THAT(explanation->text, HasSubstr("${node.datacenter} is 'dc7'"));
  EXPECT_THAT(explanation->text, HasSubstr("${env.TOKEN} is a variable of the task"));
  EXPECT_THAT(explanation->text, HasSubstr("constraints   1, met by this node"));
  EXPECT_THAT(explanation->text, testing::Not(HasSubstr("hunter2")));
}

TEST_F(NodePlannerTest, ViolationsOfReferencesAndOfTheRestAreToldTogether) {
  config_.mutable_config()->add_args("${attr.kernl.name}");
  config_.mutable_resources()->set_memory(-1);
  config_.add_constraints()->set_attribute("${zebra}");
  EXPECT_THAT(GetFieldViolations(planner_->Plan(config_, kTaskId).status()), SizeIs(3));
}

TEST_F(NodePlannerTest, ATaskWhoseConstraintDoesNotHoldIsRefused) {
  v1::Constraint* constraint = config_.add_constraints();
  constraint->set_attribute("${attr.kernel.name}");
  constraint->set_value("linux");
  EXPECT_THAT(planner_->Plan(config_, kTaskId), IsOk());
  constraint->set_value("windows");
  auto refused = planner_->Plan(config_, kTaskId);
  EXPECT_THAT(refused,
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("it is 'linux' here")));
  EXPECT_EQ(GetReason(refused.status()), "CONSTRAINT_NOT_MET");
  EXPECT_THAT(planner_->Explain(config_), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace cloister::engine
