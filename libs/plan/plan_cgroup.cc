#include "libs/plan/plan_cgroup.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/placement.h"

namespace cloister::plan {
namespace {

// Of resources.memory_max.
uint64_t MemoryMaxCeiling(const node::NodePolicy& policy) {
  return policy.max_memory_max_bytes > 0 ? policy.max_memory_max_bytes : policy.max_memory_bytes;
}

absl::Status CheckCeilings(const task::TaskSpec& spec, const node::NodePolicy& policy) {
  const bool unlimited = spec.memory_max_bytes() == task::TaskSpec::kUnlimitedMemory;
  constexpr int kMib = 20;
  const struct {
    const char* field;
    uint64_t asked;
    // 0: none.
    uint64_t ceiling;
    int unit;
  } kCeilings[] = {
      {"resources.memory", spec.memory_bytes(), policy.max_memory_bytes, kMib},
      {"resources.memory_max", unlimited ? 0 : spec.memory_max_bytes(), MemoryMaxCeiling(policy),
       kMib},
      {"resources.secrets", spec.secrets_bytes(), policy.max_secrets_bytes, kMib},
      {"resources.pids", static_cast<uint64_t>(spec.pids()), static_cast<uint64_t>(policy.max_pids),
       0},
      {"resources.cpu", static_cast<uint64_t>(spec.cpu_shares()),
       static_cast<uint64_t>(policy.max_cpu_shares), 0},
  };
  std::vector<FieldViolation> violations;
  for (const auto& one : kCeilings) {
    if (one.ceiling == 0 || one.asked <= one.ceiling) continue;
    const char* words = one.unit == kMib ? " MiB" : "";
    violations.push_back(
        {one.field, absl::StrCat(one.asked >> one.unit, words, " is over this node's ceiling of ",
                                 one.ceiling >> one.unit, words)});
  }
  return InvalidArgument(violations);
}

// Without limit is as far as the node's ceiling.
uint64_t HardLimit(const task::TaskSpec& spec, const node::NodePolicy& policy) {
  if (spec.memory_max_bytes() == 0) return spec.memory_bytes();
  if (spec.memory_max_bytes() != task::TaskSpec::kUnlimitedMemory) return spec.memory_max_bytes();
  return MemoryMaxCeiling(policy) > 0 ? MemoryMaxCeiling(policy) : cgroup::kUnlimitedMemory;
}

absl::Status Unavailable(absl::string_view why) {
  return WithReason(absl::FailedPreconditionError(why), "CGROUPS_UNAVAILABLE");
}

}  // namespace

absl::StatusOr<internal::CgroupPlan> PlanCgroup(const task::TaskSpec& spec,
                                                const node::NodeFacts& facts,
                                                const node::NodePolicy& policy) {
  CLOISTER_RETURN_IF_ERROR(CheckCeilings(spec, policy));
  if (!policy.limit_by_cgroups) return internal::CgroupPlan();
  if (facts.cgroups.layout == node::CgroupLayout::kNone) {
    return Unavailable(
        "this node has no cgroup hierarchy with cpu, memory or pids: mount cgroup2 on "
        "/sys/fs/cgroup, or run tasks "
        "without limits by --cgroups=none");
  }
  cgroup::TaskLimits limits;
  limits.cpu_shares = spec.cpu_shares();
  limits.memory_bytes = HardLimit(spec, policy);
  if (limits.memory_bytes != spec.memory_bytes()) {
    limits.memory_reserved_bytes = spec.memory_bytes();
  }
  limits.pids = spec.pids();
  absl::StatusOr<internal::CgroupPlan> placed =
      cgroup::PlaceTask(facts.cgroups, policy.cgroup_parent, limits);
  if (placed.status().code() == absl::StatusCode::kFailedPrecondition) {
    return WithReason(placed.status(), "CGROUPS_UNAVAILABLE");
  }
  if (!placed.ok()) return placed.status();
  placed->mutable_granted()->set_cpu_shares(static_cast<uint64_t>(limits.cpu_shares));
  if (limits.memory_bytes != cgroup::kUnlimitedMemory) {
    placed->mutable_granted()->set_memory_bytes(limits.memory_bytes);
  }
  placed->mutable_granted()->set_pids(static_cast<uint64_t>(limits.pids));
  return placed;
}

}  // namespace cloister::plan
