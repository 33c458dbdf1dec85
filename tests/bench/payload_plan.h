// The one source of what everybody has to do in the comparison: the plan that this node's executor
// makes for the payload.
#ifndef CLOISTER_TESTS_BENCH_PAYLOAD_PLAN_H_
#define CLOISTER_TESTS_BENCH_PAYLOAD_PLAN_H_

#include <string>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "cloister/v1/task.pb.h"

namespace cloister::bench {

// /bin/true, and every default: user nobody, 300 MiB, 1024 processes, 100 shares.
v1::TaskConfig PayloadConfig();

// Its plan on this node, with the default policy of an executor whose cgroups are beneath
// `cgroup_parent`.
absl::StatusOr<internal::LaunchPlan> MakePayloadPlan(const std::string& cgroup_parent);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_PAYLOAD_PLAN_H_
