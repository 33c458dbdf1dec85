#include "libs/cgroup/placement.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/status_macros.h"

namespace cloister::cgroup {
namespace {

using internal::CgroupPlan;

constexpr int64_t kLeastShares = 2;
constexpr int64_t kMostShares = 262144;
// PID_MAX_LIMIT of a 64-bit kernel: pids.max takes nothing above it.
constexpr int64_t kMostPids = 4194304;
// Order is that of joining; no controller depends on another.
constexpr absl::string_view kNeeded[] = {"cpu", "memory", "pids"};
constexpr absl::string_view kWithoutLimits =
    "or start the executor with --cgroups=none: tasks then run fenced but without limits";

bool Carries(const node::CgroupHierarchy& hierarchy, absl::string_view controller) {
  return std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), controller) !=
         hierarchy.controllers.end();
}

const node::CgroupHierarchy* FindCarrier(const node::CgroupFacts& facts,
                                         absl::string_view controller) {
  for (const node::CgroupHierarchy& hierarchy : facts.hierarchies) {
    if (Carries(hierarchy, controller)) return &hierarchy;
  }
  return nullptr;
}

const node::CgroupHierarchy* FindUnified(const node::CgroupFacts& facts) {
  for (const node::CgroupHierarchy& hierarchy : facts.hierarchies) {
    if (hierarchy.unified) return &hierarchy;
  }
  return nullptr;
}

absl::Status Missing(const node::CgroupFacts& facts, absl::string_view controller) {
  const node::CgroupHierarchy* unified = FindUnified(facts);
  if (facts.layout == node::CgroupLayout::kV2 && unified != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cgroup controller '", controller, "' is not available in ", unified->mount_point,
        " (cgroup v2): ", unified->mount_point,
        "/cgroup.controllers does not list it; enable it with ",
        controller == "memory" ? "'cgroup_enable=memory' on the kernel command line, or " : "",
        "'+", controller, "' in cgroup.subtree_control of the cgroups above this one; ",
        kWithoutLimits));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "cgroup controller '", controller,
      "' is not available: no cgroup v1 hierarchy with it is mounted",
      unified != nullptr ? absl::StrCat(", nor does ", unified->mount_point, " (cgroup v2) have it")
                         : "",
      "; mount it ('mkdir -p /sys/fs/cgroup/", controller, " && mount -t cgroup -o ", controller,
      " cgroup /sys/fs/cgroup/", controller, "'), ", kWithoutLimits));
}

absl::Status ReadOnly(const node::CgroupHierarchy& hierarchy, absl::string_view controller) {
  return absl::FailedPreconditionError(
      absl::StrCat("cgroup controller '", controller, "': ", hierarchy.mount_point, " (cgroup ",
                   hierarchy.unified ? "v2" : "v1",
                   ") is read-only or not ours to change, as in a container without privileges; "
                   "give this process "
                   "a writable cgroup tree (root, or a delegated one as --cgroup_parent), ",
                   kWithoutLimits));
}

void Use(const node::CgroupHierarchy* hierarchy, absl::string_view controller,
         std::vector<HierarchyUse>& uses) {
  for (HierarchyUse& use : uses) {
    if (use.hierarchy->mount_point != hierarchy->mount_point) continue;
    use.controllers.emplace_back(controller);
    return;
  }
  uses.push_back({hierarchy, {std::string(controller)}});
}

void AddWrite(absl::string_view file, absl::string_view value, CgroupPlan::Hierarchy& hierarchy) {
  CgroupPlan::Write* write = hierarchy.add_limits();
  write->set_file(file.data(), file.size());
  write->set_value(value.data(), value.size());
}

void AddLimitsV1(const TaskLimits& limits, bool swap_limit, absl::string_view controller,
                 CgroupPlan::Hierarchy& hierarchy) {
  if (controller == "cpu") {
    AddWrite("cpu.shares", absl::StrCat(std::max(limits.cpu_shares, kLeastShares)), hierarchy);
  } else if (controller == "memory") {
    const bool unlimited = limits.memory_bytes == kUnlimitedMemory;
    const std::string bytes = unlimited ? "-1" : absl::StrCat(limits.memory_bytes);
    AddWrite("memory.limit_in_bytes", bytes, hierarchy);
    // Memory and swap together, hence no swap. After the line above: the kernel refuses a sum that
    // is less than the memory limit.
    if (swap_limit) AddWrite("memory.memsw.limit_in_bytes", bytes, hierarchy);
    if (limits.memory_reserved_bytes > 0) {
      AddWrite("memory.soft_limit_in_bytes", absl::StrCat(limits.memory_reserved_bytes), hierarchy);
    }
  } else if (controller == "pids") {
    AddWrite("pids.max", absl::StrCat(limits.pids), hierarchy);
  }
}

void AddLimitsV2(const TaskLimits& limits, bool swap_limit, absl::string_view controller,
                 CgroupPlan::Hierarchy& hierarchy) {
  if (controller == "cpu") {
    AddWrite("cpu.weight", absl::StrCat(WeightOfShares(limits.cpu_shares)), hierarchy);
  } else if (controller == "memory") {
    // memory.oom.group stays 0: out of memory kills one process, as on v1 and as the exec driver
    // does, and init, the smallest of all, lives to report how the payload ended. A task that
    // cannot go on without the killed process ends by itself; oom_kill in memory.events is told
    // either way.
    const bool unlimited = limits.memory_bytes == kUnlimitedMemory;
    AddWrite("memory.max", unlimited ? "max" : absl::StrCat(limits.memory_bytes), hierarchy);
    if (swap_limit) AddWrite("memory.swap.max", "0", hierarchy);
    if (limits.memory_reserved_bytes > 0) {
      AddWrite("memory.low", absl::StrCat(limits.memory_reserved_bytes), hierarchy);
    }
  } else if (controller == "pids") {
    AddWrite("pids.max", absl::StrCat(limits.pids), hierarchy);
  }
}

absl::Status CheckLimits(const TaskLimits& limits) {
  if (limits.cpu_shares < 1 || limits.cpu_shares > kMostShares) {
    return absl::InvalidArgumentError(
        absl::StrCat("cpu shares ", limits.cpu_shares, ": not within 1 to ", kMostShares));
  }
  if (limits.memory_bytes == 0)
    return absl::InvalidArgumentError("memory limit 0: no task could run");
  if (limits.pids < 1 || limits.pids > kMostPids) {
    return absl::InvalidArgumentError(
        absl::StrCat("pids limit ", limits.pids, ": not within 1 to ", kMostPids));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<HierarchyUse>> ChooseHierarchies(const node::CgroupFacts& facts) {
  std::vector<HierarchyUse> uses;
  if (facts.layout == node::CgroupLayout::kNone) return uses;
  for (absl::string_view controller : kNeeded) {
    const node::CgroupHierarchy* carrier = FindCarrier(facts, controller);
    if (carrier == nullptr) return Missing(facts, controller);
    if (!carrier->writable) return ReadOnly(*carrier, controller);
    Use(carrier, controller, uses);
  }
  const node::CgroupHierarchy* unified = FindUnified(facts);
  const bool kills_at_once = unified != nullptr && unified->writable;
  // cpu.stat of v2 counts processor time without any controller. Failing that cpuacct does, and
  // that is one more hierarchy to make and join unless it is mounted together with cpu.
  const node::CgroupHierarchy* cpuacct = FindCarrier(facts, "cpuacct");
  if (!kills_at_once && cpuacct != nullptr && cpuacct->writable) Use(cpuacct, "cpuacct", uses);

  // What v2 does by a program.
  const node::CgroupHierarchy* devices = FindCarrier(facts, "devices");
  if (!kills_at_once && devices != nullptr && devices->writable) Use(devices, "devices", uses);

  std::stable_partition(uses.begin(), uses.end(),
                        [](const HierarchyUse& use) { return !use.hierarchy->unified; });
  if (kills_at_once && (uses.empty() || !uses.back().hierarchy->unified))
    uses.push_back({unified, {}});
  return uses;
}

absl::StatusOr<internal::CgroupPlan> PlaceTask(const node::CgroupFacts& facts,
                                               absl::string_view parent, const TaskLimits& limits) {
  CLOISTER_RETURN_IF_ERROR(CheckParent(parent));
  CLOISTER_RETURN_IF_ERROR(CheckLimits(limits));
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<HierarchyUse> uses, ChooseHierarchies(facts));
  CgroupPlan plan;
  for (const HierarchyUse& use : uses) {
    CgroupPlan::Hierarchy& hierarchy = *plan.add_hierarchies();
    hierarchy.set_mount_point(use.hierarchy->mount_point);
    hierarchy.set_parent(absl::StrCat(parent, "/", kShare));
    hierarchy.set_unified(use.hierarchy->unified);
    for (const std::string& controller : use.controllers) {
      hierarchy.add_controllers(controller);
      const auto add_limits = use.hierarchy->unified ? AddLimitsV2 : AddLimitsV1;
      add_limits(limits, facts.swap_limit, controller, hierarchy);
    }
  }
  return plan;
}

absl::Status CheckParent(absl::string_view parent) {
  const auto refuse = [parent](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("cgroup parent '", parent, "': ", why));
  };
  if (parent.empty()) return refuse("is empty");
  if (parent.front() == '/')
    return refuse("begins with '/'; it is taken beneath each hierarchy's mount point");
  for (absl::string_view name : absl::StrSplit(parent, '/')) {
    if (name.empty() || name == "." || name == "..") return refuse("is not a plain path");
    if (name.size() > 255) return refuse("has a name of more than 255 characters");
    if (absl::StartsWith(name, "cgroup."))
      return refuse("the kernel keeps names that begin with 'cgroup.'");
    for (const char c : name) {
      if (!absl::ascii_isalnum(c) && !absl::StrContains(":_.@\\-", c)) {
        return refuse("may hold letters, digits and :_.@\\- only");
      }
    }
  }
  return absl::OkStatus();
}

uint64_t WeightOfShares(int64_t shares) {
  // sched_weight_to_cgroup() of the kernel: DIV_ROUND_CLOSEST(shares * 100, 1024), clamped.
  const int64_t weight = (shares * 100 + 512) / 1024;
  return static_cast<uint64_t>(std::clamp<int64_t>(weight, 1, 10000));
}

}  // namespace cloister::cgroup
