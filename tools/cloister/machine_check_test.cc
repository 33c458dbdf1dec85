#include "tools/cloister/machine_check.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "tools/cloister/error_text.h"

namespace cloister {
namespace {

using testing::HasSubstr;

MachineFacts Complete() {
  MachineFacts facts;
  facts.cgroups.layout = node::CgroupLayout::kV2;
  node::CgroupHierarchy hierarchy;
  hierarchy.mount_point = "/sys/fs/cgroup";
  hierarchy.unified = true;
  hierarchy.writable = true;
  hierarchy.controllers = {"cpu", "memory", "pids"};
  facts.cgroups.hierarchies = {hierarchy};
  return facts;
}

std::string TextOf(const MachineFacts& facts) {
  return ErrorText(CheckMachine(facts, "auto"), "dev");
}

TEST(MachineCheck, ACompleteMachineIsFine) {
  EXPECT_THAT(CheckMachine(Complete(), "auto"), IsOk());
}

TEST(MachineCheck, LeavesItToTheExecutorOfAnOrdinaryUser) {
  MachineFacts facts;
  facts.effective_uid = 1000;
  facts.missing_namespaces = "pid: operation not permitted";
  EXPECT_THAT(CheckMachine(facts, "auto"), IsOk());
}

TEST(MachineCheck, NamesTheNamespacesThatAreMissing) {
  MachineFacts facts = Complete();
  facts.missing_namespaces = "pid: operation not permitted";
  EXPECT_THAT(TextOf(facts), HasSubstr("pid: operation not permitted"));
  EXPECT_THAT(TextOf(facts), HasSubstr("CAP_SYS_ADMIN"));
}

TEST(MachineCheck, OffersToDoWithoutReadOnlyCgroups) {
  MachineFacts facts = Complete();
  facts.cgroups.hierarchies[0].writable = false;
  EXPECT_THAT(TextOf(facts), HasSubstr("cannot be limited here"));
  EXPECT_THAT(TextOf(facts), HasSubstr("Try: --cgroups=none"));
  EXPECT_THAT(CheckMachine(facts, "none"), IsOk());
}

TEST(MachineCheck, OffersToDoWithoutCgroupsThatAreNotThere) {
  MachineFacts facts = Complete();
  facts.cgroups = node::CgroupFacts();
  EXPECT_THAT(TextOf(facts), HasSubstr("Try: --cgroups=none"));
  EXPECT_THAT(CheckMachine(facts, "none"), IsOk());
}

TEST(MachineCheck, ReadsThisMachine) { EXPECT_THAT(ReadMachineFacts(), IsOk()); }

}  // namespace
}  // namespace cloister
