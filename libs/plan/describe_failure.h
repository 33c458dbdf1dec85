// The words for a launch that failed: made here and nowhere else, from the step, the index and the
// errno that the launcher reports, and the plan that says what stands at that index.
#ifndef CLOISTER_LIBS_PLAN_DESCRIBE_FAILURE_H_
#define CLOISTER_LIBS_PLAN_DESCRIBE_FAILURE_H_

#include <string>

#include "cloister/internal/launcher.pb.h"
#include "cloister/internal/plan.pb.h"

namespace cloister::plan {

// "MOUNTS" for LAUNCH_STEP_MOUNTS; "step 99" for one of a newer launcher.
std::string LaunchStepName(internal::LaunchStep step);

// One sentence without a full stop: what failed, on which object, and why.
//
//   mounts[5] 'local' on '/local': no such file or directory
//   EXEC '/nope': no such file or directory
//   IDENTITY uid 65534, gid 65534: operation not permitted
//   CGROUP_LIMITS: write '/sys/fs/cgroup/memory/…/memory.limit_in_bytes': device or resource busy
//
// Pure, total: an index that the plan does not have and a step that is not known here give words
// too.
std::string DescribeLaunchFailure(const internal::LaunchPlan& plan,
                                  const internal::LaunchFailure& failure);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_DESCRIBE_FAILURE_H_
