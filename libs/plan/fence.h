// What a task is fenced by, as its plan has it, for status and for people.
#ifndef CLOISTER_LIBS_PLAN_FENCE_H_
#define CLOISTER_LIBS_PLAN_FENCE_H_

#include <string>

#include "cloister/internal/plan.pb.h"
#include "cloister/v1/task.pb.h"

namespace cloister::plan {

// Pure. The plan is carried out as it is or not at all, so what it says of a running task is what
// holds.
v1::Fence MakeFence(const internal::LaunchPlan& plan);

// "v1", "v2", "hybrid" (v1 limits, and a v2 cgroup to kill by) or "none" (no limits).
std::string CgroupWords(const internal::CgroupPlan& cgroup);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_FENCE_H_
