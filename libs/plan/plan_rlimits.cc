#include "libs/plan/plan_rlimits.h"

#include <sys/resource.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/field_violations.h"
#include "libs/plan/open_file_share.h"

namespace cloister::plan {
namespace {

constexpr uint64_t kUnlimited = RLIM_INFINITY;

struct Limit {
  uint32_t resource;
  absl::string_view name;
  uint64_t soft;
  uint64_t hard;
};

// What a process has on a freshly booted Linux (INIT_RLIMITS), but for CORE, NOFILE and those that
// grant priority.
constexpr Limit kLimits[] = {
    {RLIMIT_CPU, "CPU", kUnlimited, kUnlimited},
    {RLIMIT_FSIZE, "FSIZE", kUnlimited, kUnlimited},
    {RLIMIT_DATA, "DATA", kUnlimited, kUnlimited},
    {RLIMIT_STACK, "STACK", 8 << 20, kUnlimited},
    // No dumps: they hold the task's secrets and go where the node's core_pattern says.
    {RLIMIT_CORE, "CORE", 0, 0},
    {RLIMIT_RSS, "RSS", kUnlimited, kUnlimited},
    // Counts the processes of a uid all over the node; the pids cgroup counts the task's own.
    {RLIMIT_NPROC, "NPROC", kUnlimited, kUnlimited},
    // The soft limit is what select(2) can take; who can do more raises it. The hard one is the
    // policy's.
    {RLIMIT_NOFILE, "NOFILE", 1024, kUnlimited},
    {RLIMIT_MEMLOCK, "MEMLOCK", 8 << 20, 8 << 20},
    {RLIMIT_AS, "AS", kUnlimited, kUnlimited},
    {RLIMIT_LOCKS, "LOCKS", kUnlimited, kUnlimited},
    {RLIMIT_SIGPENDING, "SIGPENDING", kUnlimited, kUnlimited},
    {RLIMIT_MSGQUEUE, "MSGQUEUE", 819200, 819200},
    {RLIMIT_NICE, "NICE", 0, 0},
    {RLIMIT_RTPRIO, "RTPRIO", 0, 0},
    {RLIMIT_RTTIME, "RTTIME", kUnlimited, kUnlimited},
};
static_assert(sizeof(kLimits) / sizeof(kLimits[0]) == RLIM_NLIMITS, "every limit is set");

// The most that a task can have, and ask for.
struct Ceiling {
  uint64_t value;
  // After the value; empty: the node's policy or its own limits.
  std::string why;
};

Ceiling CeilingOf(const Limit& limit, const node::NodeFacts& facts, const node::NodePolicy& policy,
                  const internal::CgroupPlan& cgroup) {
  uint64_t ceiling = limit.hard;
  const auto allowed = policy.max_rlimits.find(limit.resource);
  if (allowed != policy.max_rlimits.end()) ceiling = allowed->second;
  if (limit.resource == RLIMIT_NOFILE) ceiling = policy.max_open_files;
  ceiling = std::min(ceiling, facts.hard_limits[limit.resource]);
  if (limit.resource != RLIMIT_NOFILE) return {ceiling, ""};
  const OpenFileShare share = ShareOpenFiles(facts, cgroup);
  if (ceiling <= share.per_process) return {ceiling, ""};
  return {share.per_process, absl::StrCat(": ", share.why)};
}

std::string ValueWords(uint64_t value) {
  return value == kUnlimited ? "unlimited" : absl::StrCat(value);
}

}  // namespace

absl::StatusOr<std::vector<internal::Rlimit>> PlanRlimits(const std::vector<task::Rlimit>& asked,
                                                          const node::NodeFacts& facts,
                                                          const node::NodePolicy& policy,
                                                          const internal::CgroupPlan& cgroup) {
  std::vector<internal::Rlimit> rlimits;
  std::vector<FieldViolation> violations;
  for (const Limit& limit : kLimits) {
    const Ceiling ceiling = CeilingOf(limit, facts, policy, cgroup);
    internal::Rlimit rlimit;
    rlimit.set_resource(limit.resource);
    rlimit.set_hard(std::min(limit.hard, ceiling.value));
    rlimit.set_soft(std::min(limit.soft, rlimit.hard()));
    for (size_t i = 0; i < asked.size(); ++i) {
      if (asked[i].resource != limit.resource) continue;
      rlimit.set_soft(asked[i].soft);
      rlimit.set_hard(asked[i].hard);
      if (asked[i].hard <= ceiling.value) continue;
      violations.push_back({absl::StrCat("config.rlimits[", i, "]"),
                            absl::StrCat(limit.name, " ", ValueWords(asked[i].hard),
                                         " is over this node's ceiling of ",
                                         ValueWords(ceiling.value), ceiling.why)});
    }
    rlimits.push_back(rlimit);
  }
  const absl::Status status = InvalidArgument(violations);
  if (!status.ok()) return status;
  return rlimits;
}

std::string RlimitName(uint32_t resource) {
  for (const Limit& limit : kLimits) {
    if (limit.resource == resource) return std::string(limit.name);
  }
  return absl::StrCat(resource);
}

}  // namespace cloister::plan
