// Where a task's limits go: from what the node's cgroup hierarchies are to a CgroupPlan, the list
// of hierarchies, files and values that the launcher carries out with CgroupSlot (slot.h).
//
// Pure: no I/O, the same facts give the same plan byte for byte. cgroup v1, v2 and hybrid hosts
// differ in their facts only. Sources: cgroups(7); in the kernel's Documentation/admin-guide,
// cgroup-v2.rst and cgroup-v1/{memory,pids}.rst.
//
//   cgroup::TaskLimits limits;
//   limits.memory_bytes = 64 << 20;
//   absl::StatusOr<internal::CgroupPlan> plan = cgroup::PlaceTask(facts, "cloister.slice", limits);
#ifndef CLOISTER_LIBS_CGROUP_PLACEMENT_H_
#define CLOISTER_LIBS_CGROUP_PLACEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/cgroup_facts.h"

namespace cloister::cgroup {

// The directories beneath the parent: tasks that share the processors, tasks with processors of
// their own, and our own processes.
constexpr absl::string_view kShare = "share";
constexpr absl::string_view kReserve = "reserve";
constexpr absl::string_view kSupervisor = "supervisor";

constexpr uint64_t kUnlimitedMemory = ~uint64_t{0};

struct TaskLimits {
  // Weight against the other tasks of the node, in MHz shares: 1 to 262144. v1 raises 1 to 2, its
  // least.
  int64_t cpu_shares = 100;
  // Hard limit, page cache included; swap is refused where the node can refuse it. At least 1; the
  // kernel rounds down to whole pages. kUnlimitedMemory: none; then v1, whose swap limit is that of
  // the sum, does not limit swap either.
  uint64_t memory_bytes = uint64_t{300} << 20;
  // Most processes and threads at once, init included. At least 1.
  int64_t pids = 1024;
  // What the kernel spares the task when it is short of memory. 0: nothing.
  uint64_t memory_reserved_bytes = 0;
};

// What a hierarchy does for tasks.
struct HierarchyUse {
  const node::CgroupHierarchy* hierarchy;
  // Of cpu, cpuacct, devices, memory, pids; in v1 what is mounted together comes together. Empty
  // for a v2 hierarchy that only holds the task, so that it can be killed as one.
  std::vector<std::string> controllers;
};

// The hierarchies that tasks are put into, in the order in which a task joins them: each of cpu,
// memory and pids where the node has it; cpuacct only where no v2 hierarchy counts processor time;
// v2 last, wherever it is writable, for cgroup.kill. Empty for a node without cgroups.
// FAILED_PRECONDITION names what a node lacks, and what can be done about it. `facts` outlives the
// result.
absl::StatusOr<std::vector<HierarchyUse>> ChooseHierarchies(const node::CgroupFacts& facts);

// The plan of one task beneath `<parent>/share`. An empty plan for a node without cgroups
// (CgroupLayout::kNone): that the operator agreed to that (--cgroups=none) is for the caller to
// check. INVALID_ARGUMENT for limits out of range or a parent that CheckParent refuses;
// FAILED_PRECONDITION as ChooseHierarchies.
absl::StatusOr<internal::CgroupPlan> PlaceTask(const node::CgroupFacts& facts,
                                               absl::string_view parent, const TaskLimits& limits);

// OK for a relative path of plain names, e.g. "cloister.slice" or "system.slice/cloister.service":
// no "..", no empty component, characters [A-Za-z0-9:_.@\-] only, no name of a control file
// ("cgroup.…").
absl::Status CheckParent(absl::string_view parent);

// v1 cpu.shares (2 to 262144, default 1024) as v2 cpu.weight (1 to 10000, default 100): the
// kernel's own proportion, shares × 100 / 1024, rounded and clamped, so that 200 MHz get twice what
// 100 MHz get on either version. Exact in proportion from about 50 to 102400 shares.
uint64_t WeightOfShares(int64_t shares);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_PLACEMENT_H_
