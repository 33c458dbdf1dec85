// How to use libs/cgroup in a program of your own.
//
//   cgroup_example                       prints where a task's limits would go on a made-up hybrid
//   host cgroup_example --on_this_machine     as root: makes a limited cgroup here, and removes it
//   again
#include <unistd.h>

#include <cstring>
#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/parent.h"
#include "libs/cgroup/placement.h"
#include "libs/cgroup/slot.h"
#include "libs/node/cgroup_facts.h"
#include "libs/node/host_root.h"
#include "libs/node/read_cgroup_facts.h"

namespace cloister {
namespace {

cgroup::TaskLimits Limits() {
  cgroup::TaskLimits limits;
  limits.memory_bytes = uint64_t{64} << 20;
  limits.pids = 16;
  return limits;
}

node::CgroupFacts MadeUpHost() {
  node::CgroupFacts facts;
  facts.layout = node::CgroupLayout::kHybrid;
  for (const char* controller : {"cpu", "memory", "pids"}) {
    facts.hierarchies.push_back(
        {absl::StrCat("/sys/fs/cgroup/", controller), false, {controller}, true, ""});
  }
  facts.hierarchies.push_back({"/sys/fs/cgroup/unified", true, {}, true, ""});
  return facts;
}

// Deciding: no I/O, so it can be tried anywhere.
absl::Status PrintPlacement(const node::CgroupFacts& facts) {
  CLOISTER_ASSIGN_OR_RETURN(const internal::CgroupPlan plan,
                            cgroup::PlaceTask(facts, "example.slice", Limits()));
  for (const internal::CgroupPlan::Hierarchy& hierarchy : plan.hierarchies()) {
    std::cout << hierarchy.mount_point() << "/" << hierarchy.parent() << "\n";
    for (const internal::CgroupPlan::Write& limit : hierarchy.limits()) {
      std::cout << "  " << limit.file() << " = " << limit.value() << "\n";
    }
  }
  return absl::OkStatus();
}

// Acting: what an executor does once, then what a launcher does for each task.
absl::Status MakeAndRemove() {
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot host, node::HostRoot::Open("/"));
  CLOISTER_ASSIGN_OR_RETURN(const node::CgroupFacts facts, node::ReadCgroupFacts(host));
  CLOISTER_ASSIGN_OR_RETURN(const internal::CgroupPlan plan,
                            cgroup::PlaceTask(facts, "example.slice", Limits()));
  CLOISTER_RETURN_IF_ERROR(cgroup::MakeParent(facts, "example.slice"));
  CLOISTER_ASSIGN_OR_RETURN(auto parents, cgroup::OpenSlotParents(plan));

  CLOISTER_ASSIGN_OR_RETURN(cgroup::CgroupSlot slot,
                            cgroup::CgroupSlot::Create(parents, "example-1"));
  CLOISTER_RETURN_IF_ERROR(slot.Limit(plan));
  // Here a child joins by slot.GetJoinFds(), runs and ends.
  CLOISTER_RETURN_IF_ERROR(slot.Kill(absl::Seconds(5)));
  CLOISTER_ASSIGN_OR_RETURN(const cgroup::CgroupStats stats, slot.Stats());
  std::cout << "memory peak: " << stats.memory_peak_bytes << " bytes\n";
  CLOISTER_RETURN_IF_ERROR(slot.Remove());
  // This process is in example.slice/supervisor now and stays there; a real executor does, too.
  std::cout << "remove example.slice once this process has ended (RemoveParent)\n";
  return absl::OkStatus();
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  const bool here = argc > 1 && std::strcmp(argv[1], "--on_this_machine") == 0;
  const absl::Status status =
      here ? cloister::MakeAndRemove() : cloister::PrintPlacement(cloister::MadeUpHost());
  if (!status.ok()) std::cerr << "cgroup_example: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
