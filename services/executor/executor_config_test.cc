#include "services/executor/executor_config.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/node/testing/fake_root.h"

namespace cloister::executor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

ExecutorFlags Fit() {
  ExecutorFlags flags;
  flags.state_dir = "/var/lib/cloister/";
  flags.launcher_path = "/usr/lib/cloister/cloister-launcher";
  return flags;
}

std::vector<std::string> WrongFlags(const ExecutorFlags& flags) {
  std::vector<std::string> names;
  for (const auto& violation : GetFieldViolations(ParseExecutorFlags(flags, "host").status())) {
    names.push_back(violation.field);
  }
  return names;
}

TEST(ExecutorConfig, TwoFlagsAreEnough) {
  auto config = ParseExecutorFlags(Fit(), "host");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->node_id, "host");
  EXPECT_EQ(config->state_dir, "/var/lib/cloister");
  EXPECT_TRUE(config->listen.empty());
  EXPECT_TRUE(config->limit_by_cgroups);
  EXPECT_EQ(config->policy.cgroup_parent, "cloister.slice");
  EXPECT_FALSE(config->tls.has_value());
}

TEST(ExecutorConfig, EveryWrongFlagIsTold) {
  ExecutorFlags flags;
  flags.node_id = "a/b";
  flags.run_dir = "relative";
  flags.listen = "unix:/run/x,nonsense";
  flags.frontend = "nonsense";
  flags.advertise_address = "10.0.0.1:1,10.0.0.2:1";
  flags.cgroup_parent = "../up";
  flags.cgroups = "maybe";
  flags.tasks_per_launcher = 0;
  flags.max_tasks = 0;
  flags.memory_mib = -1;
  flags.allow_caps = "no_such_cap";
  flags.chroot_env = "relative";
  flags.tls_cert = "/cert";
  flags.allowed_uids = "0,root";
  EXPECT_THAT(WrongFlags(flags),
              UnorderedElementsAre("node_id", "state_dir", "run_dir", "listen", "frontend",
                                   "advertise_address", "launcher_path", "cgroup_parent", "cgroups",
                                   "tasks_per_launcher", "max_tasks", "memory_mib", "allow_caps",
                                   "chroot_env", "tls_cert", "allowed_uids"));
}

TEST(ExecutorConfig, ListsAreReadInOrder) {
  ExecutorFlags flags = Fit();
  flags.listen = "unix:/run/x, 127.0.0.1:7000";
  flags.frontend = "unix:/run/f";
  flags.allowed_uids = "1000, 1001";
  flags.allow_caps = "net_bind_service,CAP_CHOWN";
  flags.chroot_env = "/bin,/srv/tools:/opt/tools";
  auto config = ParseExecutorFlags(flags, "host");
  ASSERT_THAT(config, IsOk());
  ASSERT_EQ(config->listen.size(), 2);
  EXPECT_EQ(config->listen[1].ToString(), "127.0.0.1:7000");
  EXPECT_EQ(config->frontends.size(), 1);
  EXPECT_THAT(config->allowed_uids, ElementsAre(1000, 1001));
  EXPECT_TRUE(config->policy.allow_caps.named.Contains(0));
  EXPECT_FALSE(config->policy.allow_caps.all);
  EXPECT_EQ(config->policy.chroot_entries.size(), 2);
}

class PolicyFlag : public testing::Test {
 protected:
  void Write(const std::string& text) { root_.AddFile("/policy.hcl", text); }

  node::FakeRoot root_;
  ExecutorFlags flags_ = [this] {
    ExecutorFlags flags = Fit();
    flags.policy = root_.path() + "/policy.hcl";
    return flags;
  }();
};

TEST_F(PolicyFlag, TheFileIsThePolicy) {
  Write("allow_caps = [\"chown\"]\nnode { datacenter = \"dc7\" }\n");
  flags_.cgroup_parent = "other.slice";
  auto config = ParseExecutorFlags(flags_, "host");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->policy.labels.datacenter, "dc7");
  EXPECT_TRUE(config->policy.allow_caps.named.Contains(0));
  EXPECT_FALSE(config->policy.allow_caps.named.Contains(1));
  EXPECT_EQ(config->policy.cgroup_parent, "other.slice");
}

TEST_F(PolicyFlag, ProblemsOfTheFileAreToldWithThoseOfFlags) {
  Write("allow_cap = []\n");
  flags_.max_tasks = 0;
  EXPECT_THAT(WrongFlags(flags_), UnorderedElementsAre("policy", "max_tasks"));
  EXPECT_THAT(ParseExecutorFlags(flags_, "host"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 1, column 1")));
  flags_.policy = root_.path() + "/none";
  EXPECT_THAT(WrongFlags(flags_), UnorderedElementsAre("policy", "max_tasks"));
}

TEST_F(PolicyFlag, AKeyThatIsGivenAsAFlagAsWellIsRefused) {
  Write("allow_caps = [\"chown\"]\nchroot_env = { \"/bin\" = \"/bin\" }\n");
  flags_.allow_caps = "chown";
  EXPECT_THAT(WrongFlags(flags_), ElementsAre("allow_caps"));
  flags_.chroot_env = "/bin";
  EXPECT_THAT(WrongFlags(flags_), UnorderedElementsAre("allow_caps", "chroot_env"));
}

TEST(ExecutorConfig, NoCgroupsIsSaidByTheOperatorOnly) {
  ExecutorFlags flags = Fit();
  flags.cgroups = "none";
  auto config = ParseExecutorFlags(flags, "host");
  ASSERT_THAT(config, IsOk());
  EXPECT_FALSE(config->limit_by_cgroups);
  EXPECT_FALSE(config->policy.limit_by_cgroups);
}

}  // namespace
}  // namespace cloister::executor
