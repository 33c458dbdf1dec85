#include "libs/plan/plan_rlimits.h"

#include <sys/resource.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

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

}  // namespace

std::vector<internal::Rlimit> PlanRlimits(const node::NodeFacts& facts,
                                          const node::NodePolicy& policy) {
  std::vector<internal::Rlimit> rlimits;
  for (const Limit& limit : kLimits) {
    uint64_t hard = std::min(limit.hard, facts.hard_limits[limit.resource]);
    if (limit.resource == RLIMIT_NOFILE) hard = std::min(hard, policy.max_open_files);
    internal::Rlimit rlimit;
    rlimit.set_resource(limit.resource);
    rlimit.set_soft(std::min(limit.soft, hard));
    rlimit.set_hard(hard);
    rlimits.push_back(rlimit);
  }
  return rlimits;
}

std::string RlimitName(uint32_t resource) {
  for (const Limit& limit : kLimits) {
    if (limit.resource == resource) return std::string(limit.name);
  }
  return absl::StrCat(resource);
}

}  // namespace cloister::plan
