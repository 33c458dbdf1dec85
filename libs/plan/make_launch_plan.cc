#include "libs/plan/make_launch_plan.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"
#include "libs/chroot/command_lookup.h"
#include "libs/plan/plan_artifacts.h"
#include "libs/plan/plan_capabilities.h"
#include "libs/plan/plan_cgroup.h"
#include "libs/plan/plan_devices.h"
#include "libs/plan/plan_files.h"
#include "libs/plan/plan_hardening.h"
#include "libs/plan/plan_identity.h"
#include "libs/plan/plan_ids.h"
#include "libs/plan/plan_masks.h"
#include "libs/plan/plan_mounts.h"
#include "libs/plan/plan_namespaces.h"
#include "libs/plan/plan_rlimits.h"
#include "libs/plan/plan_root.h"
#include "libs/plan/plan_task_mounts.h"
#include "libs/plan/plan_volumes.h"
#include "libs/plan/plan_without_root.h"
#include "libs/task/environment.h"

namespace cloister::plan {
namespace {

constexpr uint32_t kUmask = 022;

internal::Exec PlanExec(const task::TaskSpec& spec, const task::ResolvedUser& user) {
  internal::Exec exec;
  std::vector<std::string> volumes;
  for (const task::VolumeMount& mount : spec.volume_mounts()) volumes.push_back(mount.destination);
  for (const std::string& path : chroot::CommandCandidates(spec.command(), volumes)) {
    exec.add_candidates(path);
  }
  for (const std::string& arg : spec.args()) exec.add_args(arg);
  for (const std::string& entry : task::MakeEnvironment(spec.env(), user)) exec.add_env(entry);
  exec.set_work_dir(spec.work_dir());
  exec.set_without_init(!spec.init());
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

absl::StatusOr<int32_t> PlanOomScore(const task::TaskSpec& spec, const node::NodePolicy& policy) {
  if (spec.oom_score_adj() >= policy.min_oom_score_adj) return spec.oom_score_adj();
  return InvalidArgument({{"config.oom_score_adj",
                           absl::StrCat(spec.oom_score_adj(), " is under this node's floor of ",
                                        policy.min_oom_score_adj)}});
}

// What the parts of a plan refuse: all violations of fields at once; failing these the first error
// of another kind.
class Refusals {
 public:
  void Add(const absl::Status& status) {
    const std::vector<FieldViolation> violations = GetFieldViolations(status);
    violations_.insert(violations_.end(), violations.begin(), violations.end());
    if (violations.empty()) other_.Update(status);
  }
  absl::Status ToStatus() const {
    return violations_.empty() ? other_ : InvalidArgument(violations_);
  }

 private:
  std::vector<FieldViolation> violations_;
  absl::Status other_;
};

template <typename T>
absl::StatusOr<T> Ask(absl::StatusOr<T> part, Refusals* refusals) {
  refusals->Add(part.status());
  return part;
}

template <typename T>
void Take(absl::StatusOr<T> part, T* field, Refusals* refusals) {
  refusals->Add(part.status());
  if (part.ok()) *field = *std::move(part);
}

}  // namespace

absl::StatusOr<internal::LaunchPlan> MakeLaunchPlan(const task::TaskSpec& spec,
                                                    const task::ResolvedUser& user,
                                                    const node::NodeFacts& facts,
                                                    const node::NodePolicy& policy) {
  internal::LaunchPlan plan;
  // What is refused comes before what is only laid out, and who before what.
  Refusals refusals;
  const bool own_ids = HasOwnIds(spec, facts, policy);
  Take(PlanIdentity(spec.user(), user, own_ids, policy), plan.mutable_identity(), &refusals);
  Take(PlanCapabilities(spec, user.uid, facts, policy), plan.mutable_capabilities(), &refusals);
  const auto namespaces = Ask(PlanNamespaces(spec, plan.capabilities(), policy), &refusals);
  refusals.Add(CheckSwitches(spec, policy));
  Take(PlanCgroup(spec, facts, policy), plan.mutable_cgroup(), &refusals);
  Take(PlanStop(spec, policy), plan.mutable_stop(), &refusals);
  refusals.Add(CheckOwnIds(spec, user, facts, policy));
  refusals.Add(CheckWithoutRoot(spec, user, own_ids, facts));
  CLOISTER_ASSIGN_OR_RETURN(const MaskPlan masks, PlanMasks(facts, policy, spec.masked_paths()));
  Take(PlanRoot(spec.chroot_env(), facts, policy, masks.hidden_sys_directories),
       plan.mutable_root(), &refusals);
  plan.mutable_root()->set_overlay_bytes(spec.overlay_bytes());
  const auto volumes = Ask(PlanVolumes(spec, facts, policy, plan.mutable_root()), &refusals);
  const auto mounts = Ask(PlanTaskMounts(spec, policy, plan.mutable_root()), &refusals);
  const auto artifacts = Ask(PlanArtifacts(spec, policy, plan.mutable_root()), &refusals);
  Take(PlanDevices(spec.devices(), facts, policy, plan.mutable_cgroup(), plan.mutable_root()),
       plan.mutable_devices(), &refusals);
  const auto rlimits = Ask(PlanRlimits(spec.rlimits(), facts, policy, plan.cgroup()), &refusals);
  const auto oom_score = Ask(PlanOomScore(spec, policy), &refusals);
  const auto files = Ask(PlanFiles(spec, facts, plan.root()), &refusals);
  CLOISTER_RETURN_IF_ERROR(refusals.ToStatus());
  *plan.mutable_mounts() = PlanMounts(spec, facts);
  for (const internal::Mount& mount : *volumes) *plan.add_mounts() = mount;
  for (const internal::Mount& mount : *mounts) *plan.add_mounts() = mount;
  for (const internal::Mount& mount : artifacts->mounts) *plan.add_mounts() = mount;
  for (const internal::ArtifactPlan& artifact : artifacts->artifacts) {
    *plan.add_artifacts() = artifact;
  }
  for (const internal::Mask& mask : masks.proc) *plan.add_masks() = mask;
  for (const internal::Rlimit& rlimit : *rlimits) *plan.add_rlimits() = rlimit;
  for (const internal::GeneratedFile& file : *files) *plan.add_files() = file;
  plan.set_oom_score_adj(*oom_score);
  plan.set_hostname(spec.hostname());
  *plan.mutable_exec() = PlanExec(spec, user);
  plan.set_namespaces(*namespaces);
  plan.set_umask(kUmask);
  AdaptToUserNamespace(facts, &plan);
  AdaptToOwnIds(spec, facts, policy, &plan);
  PlanHardening(spec, facts, &plan);
  return plan;
}

}  // namespace cloister::plan
