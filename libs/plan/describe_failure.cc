#include "libs/plan/describe_failure.h"

#include <errno.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/capability/names.h"
#include "libs/plan/plan_rlimits.h"

namespace cloister::plan {
namespace {

using internal::LaunchPlan;
using internal::Mask;
using internal::Mount;

std::string Quoted(absl::string_view text) { return absl::StrCat("'", text, "'"); }

// mounts[5], and whatever stands there; only the place where the plan has nothing.
template <typename List, typename Describe>
std::string Item(absl::string_view name, const List& list, int index, Describe describe) {
  std::string place = absl::StrCat(name, "[", index, "]");
  if (index < 0 || index >= list.size()) return place;
  return absl::StrCat(place, " ", describe(list.Get(index)));
}

std::string MountWords(const Mount& mount) {
  absl::string_view source;
  switch (mount.kind()) {
    case Mount::KIND_PROC:
      source = "proc";
      break;
    case Mount::KIND_DEVPTS:
      source = "devpts";
      break;
    case Mount::KIND_TMPFS:
      source = "tmpfs";
      break;
    case Mount::KIND_MQUEUE:
      source = "mqueue";
      break;
    case Mount::KIND_TASK_DIRECTORY:
      source = mount.source();
      break;
    case Mount::KIND_HOST_DIRECTORY:
    case Mount::KIND_CACHED:
      source = mount.outside();
      break;
    case Mount::KIND_COPIED:
      source = mount.outside().empty() ? mount.source() : mount.outside();
      break;
    default:
      source = "?";
  }
  return absl::StrCat(Quoted(source), " on ", Quoted(mount.inside()));
}

std::string MaskWords(const Mask& mask) {
  const bool read_only = mask.kind() == Mask::KIND_READ_ONLY;
  return absl::StrCat(read_only ? "read-only " : "hidden ", Quoted(mask.inside()));
}

std::string RlimitWords(const internal::Rlimit& rlimit) {
  return absl::StrCat(RlimitName(rlimit.resource()), " ", rlimit.soft(), " to ", rlimit.hard());
}

std::string FileWords(const internal::GeneratedFile& file) { return Quoted(file.inside()); }
std::string LandlockWords(const internal::Landlock::Rule& rule) { return Quoted(rule.inside()); }

std::string HierarchyWords(const internal::CgroupPlan::Hierarchy& hierarchy) {
  return Quoted(absl::StrCat(hierarchy.mount_point(), "/", hierarchy.parent()));
}

// `index` counts the writes of all hierarchies.
std::string LimitWords(const internal::CgroupPlan& cgroup, int index) {
  int left = index;
  for (const auto& hierarchy : cgroup.hierarchies()) {
    if (left >= 0 && left < hierarchy.limits_size()) {
      const auto& write = hierarchy.limits(left);
      return absl::StrCat(Quoted(write.value()), " to '", write.file(), "' below ",
                          HierarchyWords(hierarchy));
    }
    left -= hierarchy.limits_size();
  }
  return absl::StrCat("limits[", index, "]");
}

std::string IdentityWords(const internal::Identity& identity) {
  std::string words = absl::StrCat("uid ", identity.uid(), ", gid ", identity.gid());
  if (identity.groups_size() > 0) {
    absl::StrAppend(&words, ", groups ", absl::StrJoin(identity.groups(), " "));
  }
  return words;
}

// `index` 1: of what the task mounts of the node.
std::string IdWords(const internal::Identity::UserNamespace& space, int index) {
  return absl::StrCat(space.count(), " ids from ", space.first(),
                      index == 0 ? "" : ", for directories of the node");
}

std::string CapabilityWords(uint64_t bits) {
  return capability::JoinedNames(capability::CapabilitySet::FromBits(bits));
}

// Where nothing of that name was there, every place that was tried; else the one that was found and
// did not run.
std::string CommandWords(const internal::Exec& exec, int index, int error_number) {
  const bool found = error_number != ENOENT && error_number != ENOTDIR;
  if (found && index >= 0 && index < exec.candidates_size()) return Quoted(exec.candidates(index));
  std::vector<std::string> tried;
  for (const std::string& candidate : exec.candidates()) {
    // An absolute command, beneath /local first: goes without saying.
    if (candidate == absl::StrCat("/local", *exec.candidates().rbegin())) continue;
    tried.push_back(Quoted(candidate));
  }
  return absl::StrJoin(tried, ", ");
}

// What failed of a step that goes through a list.
std::string ItemOf(const LaunchPlan& plan, const internal::LaunchFailure& failure) {
  switch (failure.step()) {
    case internal::LAUNCH_STEP_TASK_DIRECTORY:
    case internal::LAUNCH_STEP_MOUNTS:
      return Item("mounts", plan.mounts(), failure.index(), MountWords);
    case internal::LAUNCH_STEP_CGROUP_LIMITS:
      return LimitWords(plan.cgroup(), failure.index());
    case internal::LAUNCH_STEP_CGROUP_JOIN:
      return Item("hierarchies", plan.cgroup().hierarchies(), failure.index(), HierarchyWords);
    case internal::LAUNCH_STEP_MASKS:
      return Item("masks", plan.masks(), failure.index(), MaskWords);
    case internal::LAUNCH_STEP_FILES:
    case internal::LAUNCH_STEP_ETC_FILES:
      return Item("files", plan.files(), failure.index(), FileWords);
    case internal::LAUNCH_STEP_LIMITS:
      return Item("rlimits", plan.rlimits(), failure.index(), RlimitWords);
    case internal::LAUNCH_STEP_USER_NAMESPACE:
      return failure.index() == 0 ? "uid map" : "gid map";
    case internal::LAUNCH_STEP_ID_MAPS:
      return IdWords(plan.identity().user_namespace(), failure.index());
    case internal::LAUNCH_STEP_LANDLOCK:
      return Item("rules", plan.landlock().rules(), failure.index(), LandlockWords);
    case internal::LAUNCH_STEP_EXEC:
      return CommandWords(plan.exec(), failure.index(), failure.error_number());
    default:
      return "";
  }
}

// What a step sets, or makes.
std::string ValueOf(const LaunchPlan& plan, internal::LaunchStep step) {
  switch (step) {
    case internal::LAUNCH_STEP_OOM_SCORE:
      return absl::StrCat(plan.oom_score_adj());
    case internal::LAUNCH_STEP_HOSTNAME:
      return Quoted(plan.hostname());
    case internal::LAUNCH_STEP_BOUNDING_SET:
      return CapabilityWords(plan.capabilities().bounding());
    case internal::LAUNCH_STEP_IDENTITY:
      return IdentityWords(plan.identity());
    case internal::LAUNCH_STEP_CAPABILITIES:
      return CapabilityWords(plan.capabilities().effective());
    case internal::LAUNCH_STEP_SECCOMP:
      return absl::StrCat("profile ", Quoted(plan.seccomp_filter().profile()));
    case internal::LAUNCH_STEP_CWD:
      return Quoted(plan.exec().work_dir());
    case internal::LAUNCH_STEP_CLONE:
      return "the task's first process";
    case internal::LAUNCH_STEP_INIT:
      return "the task's init";
    case internal::LAUNCH_STEP_AWAIT_EXEC:
      return "the task's first process ended before it could say why";
    default:
      return "";
  }
}

// The object of a step, after its name; empty if there is none to tell. Without a default, so that
// -Wswitch finds a step that is not thought of here.
std::string ObjectOf(const LaunchPlan& plan, const internal::LaunchFailure& failure) {
  switch (failure.step()) {
    case internal::LAUNCH_STEP_TASK_DIRECTORY:
    case internal::LAUNCH_STEP_MOUNTS:
    case internal::LAUNCH_STEP_CGROUP_LIMITS:
    case internal::LAUNCH_STEP_CGROUP_JOIN:
    case internal::LAUNCH_STEP_MASKS:
    case internal::LAUNCH_STEP_FILES:
    case internal::LAUNCH_STEP_ETC_FILES:
    case internal::LAUNCH_STEP_LIMITS:
    case internal::LAUNCH_STEP_USER_NAMESPACE:
    case internal::LAUNCH_STEP_ID_MAPS:
    case internal::LAUNCH_STEP_LANDLOCK:
    case internal::LAUNCH_STEP_EXEC:
      return ItemOf(plan, failure);
    case internal::LAUNCH_STEP_OOM_SCORE:
    case internal::LAUNCH_STEP_HOSTNAME:
    case internal::LAUNCH_STEP_BOUNDING_SET:
    case internal::LAUNCH_STEP_IDENTITY:
    case internal::LAUNCH_STEP_CAPABILITIES:
    case internal::LAUNCH_STEP_SECCOMP:
    case internal::LAUNCH_STEP_CWD:
    case internal::LAUNCH_STEP_CLONE:
    case internal::LAUNCH_STEP_INIT:
    case internal::LAUNCH_STEP_AWAIT_EXEC:
      return ValueOf(plan, failure.step());
    // Without an object of the plan's; of those outside, the launcher's own detail names one.
    case internal::LAUNCH_STEP_DEVICES:
    case internal::LAUNCH_STEP_UNSPECIFIED:
    case internal::LAUNCH_STEP_PLAN:
    case internal::LAUNCH_STEP_TEMPLATE:
    case internal::LAUNCH_STEP_OUTPUT:
    case internal::LAUNCH_STEP_CGROUP_TAKE:
    case internal::LAUNCH_STEP_RECORD:
    case internal::LAUNCH_STEP_CGROUP_NAMESPACE:
    case internal::LAUNCH_STEP_SESSION:
    case internal::LAUNCH_STEP_KEYRING:
    case internal::LAUNCH_STEP_ROOT:
    case internal::LAUNCH_STEP_DEATH_SIGNAL:
    case internal::LAUNCH_STEP_NO_NEW_PRIVS:
    case internal::LAUNCH_STEP_UMASK:
    case internal::LAUNCH_STEP_FDS:
    case internal::LAUNCH_STEP_LAST_CAPABILITIES:
    case internal::LAUNCH_STEP_RECORD_PID:
    case internal::LaunchStep_INT_MIN_SENTINEL_DO_NOT_USE_:
    case internal::LaunchStep_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return "";
}

// Their list's name says what the step's name would.
bool IsListStep(internal::LaunchStep step) {
  return step == internal::LAUNCH_STEP_MOUNTS || step == internal::LAUNCH_STEP_MASKS ||
         step == internal::LAUNCH_STEP_LIMITS || step == internal::LAUNCH_STEP_ETC_FILES;
}

}  // namespace

std::string LaunchStepName(internal::LaunchStep step) {
  const std::string& name = internal::LaunchStep_Name(step);
  if (name.empty()) return absl::StrCat("step ", static_cast<int>(step));
  return std::string(absl::StripPrefix(name, "LAUNCH_STEP_"));
}

std::string DescribeLaunchFailure(const LaunchPlan& plan, const internal::LaunchFailure& failure) {
  const std::string name = LaunchStepName(failure.step());
  const std::string object = ObjectOf(plan, failure);
  // The launcher's own words have the reason, and the object too but for the mount that a directory
  // is made for, and the file.
  if (!failure.detail().empty()) {
    const bool needs_object = failure.step() == internal::LAUNCH_STEP_TASK_DIRECTORY ||
                              failure.step() == internal::LAUNCH_STEP_FILES ||
                              failure.step() == internal::LAUNCH_STEP_ID_MAPS;
    return absl::StrCat(name, needs_object ? " " : "", needs_object ? object : "", ": ",
                        failure.detail());
  }
  std::string sentence = name;
  if (IsListStep(failure.step())) {
    sentence = object;
  } else if (!object.empty()) {
    absl::StrAppend(&sentence, " ", object);
  }
  if (failure.error_number() != 0) {
    absl::StrAppend(&sentence, ": ", ErrnoWords(failure.error_number()));
  }
  return sentence;
}

}  // namespace cloister::plan
