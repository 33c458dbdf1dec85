#include "libs/plan/make_launch_plan.h"

#include <sched.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"
#include "libs/chroot/command_lookup.h"
#include "libs/plan/plan_capabilities.h"
#include "libs/plan/plan_cgroup.h"
#include "libs/plan/plan_identity.h"
#include "libs/plan/plan_masks.h"
#include "libs/plan/plan_mounts.h"
#include "libs/plan/plan_rlimits.h"
#include "libs/plan/plan_root.h"
#include "libs/task/environment.h"

namespace cloister::plan {
namespace {

constexpr uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
constexpr uint32_t kUmask = 022;

internal::Exec PlanExec(const task::TaskSpec& spec, const task::ResolvedUser& user) {
  internal::Exec exec;
  for (const std::string& path : chroot::CommandCandidates(spec.command())) {
    exec.add_candidates(path);
  }
  for (const std::string& arg : spec.args()) exec.add_args(arg);
  for (const std::string& entry : task::MakeEnvironment(spec.env(), user)) exec.add_env(entry);
  exec.set_work_dir(spec.work_dir());
  return exec;
}

absl::StatusOr<internal::StopPolicy> PlanStop(const task::TaskSpec& spec,
                                              const node::NodePolicy& policy) {
  if (spec.kill_timeout() > policy.max_kill_timeout) {
    return InvalidArgument(
        {{"kill_timeout", absl::StrCat(absl::FormatDuration(spec.kill_timeout()),
                                       " is over this node's ceiling of ",
                                       absl::FormatDuration(policy.max_kill_timeout))}});
  }
  internal::StopPolicy stop;
  stop.set_signal(spec.kill_signal());
  stop.set_grace_ms(absl::ToInt64Milliseconds(spec.kill_timeout()));
  return stop;
}

}  // namespace

absl::StatusOr<internal::LaunchPlan> MakeLaunchPlan(const task::TaskSpec& spec,
                                                    const task::ResolvedUser& user,
                                                    const node::NodeFacts& facts,
                                                    const node::NodePolicy& policy) {
  internal::LaunchPlan plan;
  // What is refused comes before what is only laid out, and who before what.
  CLOISTER_ASSIGN_OR_RETURN(*plan.mutable_identity(), PlanIdentity(spec.user(), user, policy));
  CLOISTER_ASSIGN_OR_RETURN(*plan.mutable_capabilities(),
                            PlanCapabilities(spec, user.uid, facts, policy));
  CLOISTER_ASSIGN_OR_RETURN(*plan.mutable_cgroup(), PlanCgroup(spec, facts, policy));
  CLOISTER_ASSIGN_OR_RETURN(*plan.mutable_stop(), PlanStop(spec, policy));
  CLOISTER_ASSIGN_OR_RETURN(const MaskPlan masks, PlanMasks(facts, policy));
  CLOISTER_ASSIGN_OR_RETURN(*plan.mutable_root(),
                            PlanRoot(facts, policy, masks.hidden_sys_directories));
  *plan.mutable_mounts() = PlanMounts();
  for (const internal::Mask& mask : masks.proc) *plan.add_masks() = mask;
  for (const internal::Rlimit& rlimit : PlanRlimits(facts, policy)) *plan.add_rlimits() = rlimit;
  *plan.mutable_exec() = PlanExec(spec, user);
  plan.set_no_new_privs(true);
  plan.set_namespaces(kNamespaces);
  plan.set_umask(kUmask);
  plan.set_seccomp(internal::LaunchPlan::SECCOMP_BASIC);
  return plan;
}

}  // namespace cloister::plan
