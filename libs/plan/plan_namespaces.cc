#include "libs/plan/plan_namespaces.h"

#include <linux/capability.h>
#include <sched.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"

namespace cloister::plan {
namespace {

absl::Status Denied(absl::string_view reason, absl::string_view sentence) {
  return WithReason(absl::PermissionDeniedError(sentence), reason);
}

bool IsHost(task::NamespaceMode asked, node::NamespaceMode node_default) {
  if (asked == task::NamespaceMode::kNodeDefault) return node_default == node::NamespaceMode::kHost;
  return asked == task::NamespaceMode::kHost;
}

bool Holds(const internal::Capabilities& capabilities, int capability) {
  return ((capabilities.permitted() | capabilities.effective()) >> capability & 1) != 0;
}

absl::Status CheckPidHost(const internal::Capabilities& capabilities,
                          const node::NodePolicy& policy) {
  if (policy.default_pid_mode != node::NamespaceMode::kHost && !policy.allow_host_pid_mode) {
    return Denied("PID_MODE_NOT_ALLOWED", "pid_mode \"host\" is not allowed on this node");
  }
  if (!policy.limit_by_cgroups) {
    return WithReason(absl::FailedPreconditionError(
                          "pid_mode \"host\" needs cgroups, which hold the task's processes "
                          "together, and this node runs tasks without (--cgroups=none)"),
                      "CGROUPS_UNAVAILABLE");
  }
  if (Holds(capabilities, CAP_SYS_PTRACE)) {
    return Denied("CAPABILITY_NOT_ALLOWED",
                  "sys_ptrace with pid_mode \"host\" would reach every process of the node");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> PlanNamespaces(const task::TaskSpec& spec,
                                        const internal::Capabilities& capabilities,
                                        const node::NodePolicy& policy) {
  uint64_t namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (IsHost(spec.pid_mode(), policy.default_pid_mode)) {
    const absl::Status allowed = CheckPidHost(capabilities, policy);
    if (!allowed.ok()) return allowed;
    if (!spec.init()) {
      return InvalidArgument(
          {{"config.init",
            "false needs pid_mode \"private\": without a namespace and an init of "
            "its own nobody ends what the task leaves behind"}});
    }
  } else {
    namespaces |= CLONE_NEWPID;
  }
  if (!IsHost(spec.ipc_mode(), policy.default_ipc_mode)) {
    namespaces |= CLONE_NEWIPC;
  } else if (policy.default_ipc_mode != node::NamespaceMode::kHost && !policy.allow_host_ipc_mode) {
    return Denied("IPC_MODE_NOT_ALLOWED", "ipc_mode \"host\" is not allowed on this node");
  }
  if (policy.no_pivot_root && Holds(capabilities, CAP_SYS_CHROOT)) {
    return Denied("CAPABILITY_NOT_ALLOWED",
                  "sys_chroot would lead out of a root that was made without pivot_root "
                  "(no_pivot_root of this node): take it away by cap_drop");
  }
  return namespaces;
}

}  // namespace cloister::plan
