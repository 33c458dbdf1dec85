#include "libs/node/policy_file.h"

#include <sys/resource.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/capability/names.h"
#include "libs/node/testing/fake_root.h"

namespace cloister::node {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

absl::StatusOr<PolicyFile> Parse(const std::string& text) {
  return ParsePolicyFile("policy.hcl", text, DefaultNodePolicy());
}

std::string Problems(const std::string& text) {
  const auto file = Parse(text);
  EXPECT_THAT(file, StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  return std::string(file.status().message());
}

TEST(PolicyFile, OfNothingIsTheDefault) {
  const auto file = Parse("");
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->keys, IsEmpty());
  EXPECT_EQ(file->policy.default_pid_mode, NamespaceMode::kPrivate);
  EXPECT_EQ(file->policy.chroot_entries.size(), DefaultNodePolicy().chroot_entries.size());
  EXPECT_EQ(file->policy.labels.datacenter, "dc1");
}

TEST(PolicyFile, SetsEveryKey) {
  const auto file = Parse(R"(
    default_pid_mode    = "host"
    default_ipc_mode    = "private"
    allow_host_pid_mode = true
    allow_new_privs = true
    allow_unconfined_seccomp = true
    allow_unmasked_paths = true
    allow_uid_0 = true
    allow_without_landlock = true
    allow_host_ipc_mode = true
    no_pivot_root       = true
    ambient_default_caps = true
    allow_caps          = ["net_bind_service", "CAP_CHOWN"]
    denied_host_uids    = "1-99,200"
    denied_host_gids    = "0"
    allowed_users       = ["nobody", "1000:1000"]
    allowed_mount_sources = ["/srv"]
    allowed_devices       = { "/dev/fuse" = "rw", "/dev/kvm" = "mwr" }
    min_oom_score_adj     = -500
    chroot_env = {
      "/bin"       = "/bin"
      "/srv/tools" = "/opt/tools"
    }
    host_volume "data" {
      path        = "/srv/data"
      read_only   = true
      propagation = "private"
    }
    ceilings {
      memory       = 1024
      memory_max   = 2048
      pids         = 100
      cpu          = 500
      kill_timeout = "1m"
      open_files   = 4096
      secrets      = 8
      rlimits      = { core = "unlimited", RLIMIT_MEMLOCK = "1024" }
    }
    node {
      datacenter = "dc7"
      region     = "eu"
      class      = "gpu"
      pool       = "big"
      meta {
        rack = "r7"
      }
    }
  )");
  ASSERT_THAT(file, IsOk());
  const NodePolicy& policy = file->policy;
  EXPECT_EQ(policy.default_pid_mode, NamespaceMode::kHost);
  EXPECT_EQ(policy.default_ipc_mode, NamespaceMode::kPrivate);
  EXPECT_TRUE(policy.allow_host_pid_mode && policy.allow_host_ipc_mode);
  EXPECT_TRUE(policy.allow_new_privs && policy.allow_unconfined_seccomp);
  EXPECT_TRUE(policy.allow_unmasked_paths && policy.allow_without_landlock);
  EXPECT_TRUE(policy.allow_uid_0);
  EXPECT_TRUE(policy.denied_uids.empty());
  EXPECT_TRUE(policy.no_pivot_root && policy.ambient_default_caps);
  EXPECT_EQ(capability::JoinedNames(policy.allow_caps.named), "chown, net_bind_service");
  ASSERT_GE(policy.denied_host_uids.size(), 2u);
  EXPECT_EQ(policy.denied_host_uids.back().first, 200u);
  ASSERT_EQ(policy.denied_host_gids.size(), 1u);
  EXPECT_THAT(policy.allowed_users, ElementsAre("nobody", "1000:1000"));
  EXPECT_THAT(policy.allowed_mount_sources, ElementsAre("/srv"));
  EXPECT_THAT(policy.allowed_devices, ElementsAre(Pair("/dev/fuse", 6u), Pair("/dev/kvm", 7u)));
  EXPECT_EQ(policy.min_oom_score_adj, -500);
  EXPECT_THAT(policy.max_rlimits,
              ElementsAre(Pair(RLIMIT_CORE, RLIM_INFINITY), Pair(RLIMIT_MEMLOCK, 1024u)));
  ASSERT_EQ(policy.chroot_entries.size(), 2u);
  EXPECT_EQ(policy.chroot_entries[1].outside, "/srv/tools");
  EXPECT_EQ(policy.chroot_entries[1].inside, "/opt/tools");
  ASSERT_EQ(policy.host_volumes.size(), 1u);
  EXPECT_EQ(policy.host_volumes[0].name, "data");
  EXPECT_EQ(policy.host_volumes[0].path, "/srv/data");
  EXPECT_TRUE(policy.host_volumes[0].read_only);
  EXPECT_EQ(policy.host_volumes[0].propagation, VolumePropagation::kPrivate);
  EXPECT_EQ(policy.max_memory_bytes, uint64_t{1024} << 20);
  EXPECT_EQ(policy.max_memory_max_bytes, uint64_t{2048} << 20);
  EXPECT_EQ(policy.max_secrets_bytes, uint64_t{8} << 20);
  EXPECT_EQ(policy.max_pids, 100);
  EXPECT_EQ(policy.max_cpu_shares, 500);
  EXPECT_EQ(policy.max_kill_timeout, absl::Minutes(1));
  EXPECT_EQ(policy.max_open_files, 4096u);
  EXPECT_EQ(policy.labels.datacenter, "dc7");
  EXPECT_EQ(policy.labels.region, "eu");
  EXPECT_EQ(policy.labels.node_class, "gpu");
  EXPECT_EQ(policy.labels.pool, "big");
  EXPECT_THAT(policy.labels.meta, ElementsAre(Pair("rack", "r7")));
  EXPECT_EQ(file->keys.size(), 22u);
}

TEST(PolicyFile, AnUnknownKeyIsToldWithItsPlaceAndTheOneThatMayBeMeant) {
  EXPECT_THAT(Problems("allow_cap = []\n"),
              AllOf(HasSubstr("policy.hcl line 1, column 1"), HasSubstr("allow_caps")));
  EXPECT_THAT(Problems("ceilings {\n  memroy = 1\n}\n"),
              AllOf(HasSubstr("line 2, column 3"), HasSubstr("memory")));
  EXPECT_THAT(Problems("host_volumes \"a\" { path = \"/a\" }\n"), HasSubstr("host_volume"));
}

TEST(PolicyFile, EveryProblemIsToldAtOnceInItsOrder) {
  const std::string problems = Problems(R"(default_pid_mode = "shared"
denied_host_uids = "9-3"
denied_host_gids = "x"
allow_caps = ["flying"]
allowed_users = ["no body"]
chroot_env = { "relative" = "/a/../b" }
host_volume "a" {
  path = "/srv/./a"
}
host_volume "a" {
  propagation = "up"
}
ceilings {
  memory = 0
  kill_timeout = "soon"
}
node {
  datacenter = "d c"
}
)");
  size_t at = 0;
  for (const char* expected :
       {"default_pid_mode must be \"private\" or \"host\", got \"shared\"",
        "invalid range deniedHostUIDs \"9-3\": lower bound cannot be greater than upper bound",
        "invalid range deniedHostGIDs \"x\": range bound not valid", "flying", "no body",
        "Invalid path", "Duplicate volume", "bidirectional", "Invalid memory", "Must be a duration",
        "Invalid datacenter"}) {
    const size_t found = problems.find(expected, at);
    EXPECT_NE(found, std::string::npos) << expected << " behind " << at << " of\n" << problems;
    if (found != std::string::npos) at = found;
  }
  EXPECT_THAT(problems, AllOf(HasSubstr("\"relative\" is not an absolute"),
                              HasSubstr("\"/a/../b\" is not an absolute"), HasSubstr("path")));
}

TEST(PolicyFile, WrongTypesAndSyntaxAreProblems) {
  for (const char* text : {"allow_caps = 3",
                           "default_pid_mode = []",
                           "no_pivot_root = \"perhaps\"",
                           "allow_caps = [",
                           "ceilings = 3",
                           "node \"x\" {}",
                           "ceilings {}\nceilings {}",
                           "allowed_users = []",
                           "allowed_mount_sources = []",
                           "allowed_mount_sources = [\"srv\"]",
                           "host_volume {}",
                           "host_volume \"a/b\" { path = \"/a\" }",
                           "x = y",
                           "min_oom_score_adj = -1001",
                           "allowed_devices = { fuse = \"r\" }",
                           "allowed_devices = { \"/dev/fuse\" = \"\" }",
                           "allowed_devices = { \"/dev/fuse\" = \"x\" }",
                           "ceilings { rlimits = { nofile = \"1\" } }",
                           "ceilings { rlimits = { files = \"1\" } }",
                           "ceilings { rlimits = { core = \"-1\" } }"}) {
    Problems(text);
  }
}

TEST(PolicyFile, AVolumeLiesWhereMountSourcesMayBe) {
  const std::string allowed = "allowed_mount_sources = [\"/srv\", \"/data\"]\n";
  EXPECT_THAT(Parse(allowed + "host_volume \"a\" { path = \"/data/a\" }\n"), IsOk());
  EXPECT_THAT(Problems(allowed + "host_volume \"a\" { path = \"/srvice\" }\n"),
              HasSubstr("Lies in none of allowed_mount_sources"));
}

TEST(PolicyFile, MetaOfANodeIsBounded) {
  EXPECT_THAT(
      Problems(absl::StrCat("node {\n meta {\n  a = \"", std::string(20000, 'x'), "\"\n }\n}\n")),
      HasSubstr("Too much meta"));
}

TEST(PolicyFile, IsReadFromDisk) {
  FakeRoot root;
  root.AddFile("/policy.hcl", "no_pivot_root = true\n");
  const auto file = ReadPolicyFile(root.path() + "/policy.hcl");
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->keys, UnorderedElementsAre("no_pivot_root"));
  EXPECT_THAT(ReadPolicyFile(root.path() + "/none"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(PolicyFile, TheExampleIsOne) {
  const auto file = ReadPolicyFile("examples/policy/node.hcl");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->policy.host_volumes.size(), 1u);
}

TEST(PolicyOnNode, NamesAllThatTheNodeLacks) {
  NodePolicy policy = DefaultNodePolicy();
  policy.host_volumes = {{"a", "/a"}, {"b", "/b"}, {"c", "/c"}};
  NodeFacts facts;
  facts.capabilities = capability::CapabilitySet::UpTo(40);
  facts.volume_sources.resize(3);
  facts.volume_sources[0].path = "/a";
  facts.volume_sources[1].path = "/b";
  facts.volume_sources[1].kind = HostPath::Kind::kFile;
  facts.volume_sources[2].path = "/c";
  facts.volume_sources[2].kind = HostPath::Kind::kDirectory;
  EXPECT_THAT(CheckPolicyOnNode(policy, facts),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       "host_volume 'a': '/a' is not there; host_volume 'b': '/b' is no "
                       "directory"));
  policy.host_volumes.clear();
  EXPECT_THAT(CheckPolicyOnNode(policy, facts), IsOk());
  facts.capabilities = capability::CapabilitySet::UpTo(37);
  policy.allow_caps.named = capability::CapabilitySet::UpTo(38);
  EXPECT_THAT(CheckPolicyOnNode(policy, facts),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("not supported by system: perfmon")));
}

}  // namespace
}  // namespace cloister::node
