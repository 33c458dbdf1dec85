#include "libs/task/environment.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::task {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

ResolvedUser Nobody() {
  ResolvedUser user;
  user.name = "nobody";
  user.uid = 65534;
  user.home = "/nonexistent";
  return user;
}

TEST(Environment, IsExactlyTheFourForATaskThatAsksForNone) {
  EXPECT_THAT(MakeEnvironment({}, Nobody()),
              ElementsAre("HOME=/nonexistent", "LOGNAME=nobody",
                          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "USER=nobody"));
}

TEST(Environment, HoldsWhatTheTaskAskedForInOrderOfNames) {
  EXPECT_THAT(MakeEnvironment({{"ZONE", "a=b"}, {"A", ""}, {"PATH", "/bin"}}, Nobody()),
              ElementsAre("A=", "HOME=/nonexistent", "LOGNAME=nobody", "PATH=/bin", "USER=nobody",
                          "ZONE=a=b"));
}

TEST(Environment, WhoTheTaskIsCannotBeOverridden) {
  EXPECT_THAT(
      MakeEnvironment({{"HOME", "/root"}, {"USER", "root"}, {"LOGNAME", "root"}, {"PATH", ""}},
                      Nobody()),
      ElementsAre("HOME=/nonexistent", "LOGNAME=nobody", "PATH=", "USER=nobody"));
  EXPECT_TRUE(IsSetByNode("HOME"));
  EXPECT_FALSE(IsSetByNode("PATH"));
  EXPECT_FALSE(IsSetByNode("HOMES"));
}

TEST(BuiltInVariables, OfATaskWithoutAContextSayWhereItIs) {
  TaskPlace place;
  place.task_id = "abcdefghijklmnopqrstuvwxyz";
  place.datacenter = "dc1";
  place.region = "global";
  place.cgroup_parent = "cloister.slice";
  EXPECT_THAT(
      BuiltInVariables(v1::TaskConfig(), place),
      UnorderedElementsAre(Pair("NOMAD_ALLOC_DIR", "/alloc"), Pair("NOMAD_TASK_DIR", "/local"),
                           Pair("NOMAD_SECRETS_DIR", "/secrets"), Pair("NOMAD_CPU_LIMIT", "100"),
                           Pair("NOMAD_MEMORY_LIMIT", "300"), Pair("NOMAD_ALLOC_ID", place.task_id),
                           Pair("NOMAD_SHORT_ALLOC_ID", "abcdefgh"), Pair("NOMAD_ALLOC_INDEX", "0"),
                           Pair("NOMAD_DC", "dc1"), Pair("NOMAD_REGION", "global"),
                           Pair("NOMAD_PARENT_CGROUP", "cloister.slice"),
                           Pair("PATH", std::string(kDefaultPath))));
}

TEST(BuiltInVariables, TellATaskItsJobAndLimits) {
  v1::TaskConfig config;
  config.set_name("web");
  config.mutable_resources()->set_cpu(500);
  config.mutable_resources()->set_memory(64);
  config.mutable_resources()->set_memory_max(128);
  config.mutable_job()->set_id("shop");
  config.mutable_job()->set_group("front");
  config.mutable_job()->set_namespace_("team");
  config.mutable_job()->set_region("eu");
  config.mutable_job()->set_datacenter("dc9");
  config.mutable_job()->set_parent_id("shops");
  TaskPlace place;
  place.datacenter = "dc1";
  const auto variables = BuiltInVariables(config, place);
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"NOMAD_TASK_NAME", "web"},
                                          {"NOMAD_CPU_LIMIT", "500"},
                                          {"NOMAD_MEMORY_LIMIT", "64"},
                                          {"NOMAD_MEMORY_MAX_LIMIT", "128"},
                                          {"NOMAD_JOB_ID", "shop"},
                                          {"NOMAD_JOB_NAME", "shop"},
                                          {"NOMAD_JOB_PARENT_ID", "shops"},
                                          {"NOMAD_GROUP_NAME", "front"},
                                          {"NOMAD_ALLOC_NAME", "shop.front[0]"},
                                          {"NOMAD_NAMESPACE", "team"},
                                          {"NOMAD_REGION", "eu"},
                                          {"NOMAD_DC", "dc9"}}) {
    EXPECT_THAT(variables, Contains(Pair(name, value)));
  }
  EXPECT_THAT(variables, Not(Contains(Key("NOMAD_ALLOC_ID"))));
  EXPECT_THAT(variables, Not(Contains(Key("NOMAD_PARENT_CGROUP"))));
  config.mutable_job()->set_name("Shop");
  EXPECT_THAT(BuiltInVariables(config, place), Contains(Pair("NOMAD_JOB_NAME", "Shop")));
  config.mutable_resources()->set_memory_max(-1);
  EXPECT_THAT(BuiltInVariables(config, place), Not(Contains(Key("NOMAD_MEMORY_MAX_LIMIT"))));
}

TEST(BuiltInVariables, LeaveOutWhatNoEnvironmentHolds) {
  v1::TaskConfig config;
  config.mutable_job()->set_id(std::string("a\0b", 3));
  (*config.mutable_meta())["bad"] = std::string("a\0b", 3);
  const auto variables = BuiltInVariables(config, {});
  EXPECT_THAT(variables, Not(Contains(Key("NOMAD_JOB_ID"))));
  EXPECT_THAT(variables, Not(Contains(Key("NOMAD_META_bad"))));
}

TEST(BuiltInVariables, HaveKeysOfMetaAsWrittenAndInUpperCase) {
  v1::TaskConfig config;
  auto& meta = *config.mutable_meta();
  meta["rack"] = "r7";
  meta["a-b"] = "dash";
  meta["a.b"] = "dot";
  meta["FOO"] = "upper";
  meta["foo"] = "lower";
  const auto variables = BuiltInVariables(config, {});
  EXPECT_THAT(variables, Contains(Pair("NOMAD_META_rack", "r7")));
  EXPECT_THAT(variables, Contains(Pair("NOMAD_META_RACK", "r7")));
  EXPECT_THAT(variables, Contains(Pair("NOMAD_META_a_b", "dash")));
  EXPECT_THAT(variables, Contains(Pair("NOMAD_META_FOO", "upper")));
  EXPECT_THAT(variables, Contains(Pair("NOMAD_META_foo", "lower")));
}

}  // namespace
}  // namespace cloister::task
