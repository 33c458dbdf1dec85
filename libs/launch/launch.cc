#include "libs/launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/launch/detached_tmpfs.h"
#include "libs/launch/device_filter.h"
#include "libs/launch/flat_plan.h"
#include "libs/launch/launch_record.h"
#include "libs/launch/report_message.h"
#include "libs/launch/task_mounts.h"
#include "libs/launch/task_owner.h"
#include "libs/launch/user_namespace.h"
#include "libs/os/directory.h"
#include "libs/os/seqpacket.h"
#include "libs/state/layout.h"

namespace cloister {
namespace launch {
namespace {

// PIDFD_GET_MNT_NAMESPACE of linux/pidfd.h, which Debian 12's headers do not have yet.
constexpr unsigned long kPidfdGetMountNamespace = _IO(0xff, 3);

// State of one launch on its way through the steps; whatever is still here at a failure is undone
// by its owner.
struct Run {
  LaunchSite* site;
  LaunchThread* thread;
  LaunchJob job;
  std::unique_ptr<FlatPlan> flat;
  OwnedFd user_namespace;
  OwnedFd volume_namespace;
  // The one of the two whose maps the mounts of the node's directories get; -1: they get none.
  int volume_maps = -1;
  std::vector<OwnedFd> trees;
  // Read by the child, as the trees are.
  std::vector<OwnedFd> copies;
  std::vector<ClassicSource> sources;
  MountTemplates::Template root;
  OutputPipe out;
  OutputPipe err;
  OwnedFd child_report;
  ClonedChild child{0, PidFd()};
  LaunchedTask task;
  // Of the step's list, for the failure.
  int index = 0;
};

// What the child adds.
absl::StatusOr<const void*> SeccompProgramOf(const Run& run) {
  const internal::LaunchPlan& plan = run.job.plan;
  const std::string& inherited = run.thread->seccomp;
  if (!inherited.empty() && inherited != SeccompHash(plan)) {
    return absl::InternalError(
        absl::StrCat("launched in a thread for tasks of seccomp profile '", inherited, "'"));
  }
  if (plan.seccomp() == internal::LaunchPlan::SECCOMP_UNSPECIFIED) return nullptr;
  if (plan.seccomp() != internal::LaunchPlan::SECCOMP_PROGRAM) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan has seccomp filter ", plan.seccomp(), ": unknown to this launcher"));
  }
  const std::string& hash = plan.seccomp_filter().hash();
  const SeccompProgram* program = run.site->seccomp_programs().Find(hash);
  if (program != nullptr) return inherited.empty() ? program->whole : program->closing;
  return absl::InvalidArgumentError(
      absl::StrCat("the program of seccomp profile '", hash, "' was not sent to this launcher"));
}

absl::Status ReadPlan(Run* run) {
  CLOISTER_ASSIGN_OR_RETURN(run->flat, FlatPlan::Make(run->job.plan, run->thread->bounding));
  CLOISTER_ASSIGN_OR_RETURN(run->flat->context().seccomp_program, SeccompProgramOf(*run));
  run->task.task_id = run->job.task_id;
  run->task.stop = run->job.plan.stop();
  return absl::OkStatus();
}

// Before TASK_DIRECTORY, whose mounts of the node's directories need it.
absl::Status IdMaps(Run* run) {
  const internal::LaunchPlan& plan = run->job.plan;
  if (!HasIdRange(plan.identity())) return absl::OkStatus();
  const internal::Identity::UserNamespace& space = plan.identity().user_namespace();
  CLOISTER_ASSIGN_OR_RETURN(run->user_namespace,
                            run->site->namespaces_ahead().Take(space.first(), space.count()));
  run->flat->context().user_namespace = run->user_namespace.get();
  const auto is_mapped = [](const internal::Mount& mount) {
    return mount.kind() == internal::Mount::KIND_HOST_DIRECTORY && !mount.unmapped_ids();
  };
  if (std::none_of(plan.mounts().begin(), plan.mounts().end(), is_mapped)) return absl::OkStatus();
  run->volume_maps = run->user_namespace.get();
  if (space.all_volume_ids()) return absl::OkStatus();
  run->index = 1;
  CLOISTER_ASSIGN_OR_RETURN(run->volume_namespace, MakeVolumeNamespace(plan.identity()));
  run->volume_maps = run->volume_namespace.get();
  return absl::OkStatus();
}

// In the launcher's mount namespace: a tree can only be cloned from a mount of the caller's own.
absl::Status TaskDirectory(Run* run) {
  CLOISTER_ASSIGN_OR_RETURN(run->copies, OpenCopies(run->job.plan, run->flat.get(), &run->index));
  if (run->job.plan.root().classic_mounts()) {
    CLOISTER_ASSIGN_OR_RETURN(run->sources,
                              PrepareClassicMounts(run->job.plan, run->job.task_directory.get(),
                                                   run->volume_maps, run->flat.get(), &run->index));
    return absl::OkStatus();
  }
  CLOISTER_ASSIGN_OR_RETURN(
      run->trees, PrepareTaskMounts(run->job.plan, run->job.task_directory.get(), run->volume_maps,
                                    run->flat.get(), &run->index));
  return absl::OkStatus();
}

absl::Status Files(Run* run) {
  // Where it cannot be made apart from the task's root, the child makes it.
  if (run->job.plan.files().empty() || run->job.plan.root().classic_mounts()) {
    return absl::OkStatus();
  }
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd files, MakeGeneratedFiles(run->job.plan, &run->index));
  run->flat->context().files_tree = files.get();
  run->trees.push_back(std::move(files));
  return absl::OkStatus();
}

absl::Status Template(Run* run) {
  const internal::LaunchPlan& plan = run->job.plan;
  if (plan.root().overlay_bytes() > 0 || plan.root().classic_mounts()) {
    CLOISTER_ASSIGN_OR_RETURN(
        OwnedFd built, BuildMountTemplate(plan.root(), OwnerOf(plan.identity()), run->sources));
    run->root = std::make_shared<const OwnedFd>(std::move(built));
    return absl::OkStatus();
  }
  CLOISTER_ASSIGN_OR_RETURN(run->root, run->site->templates().Get(run->job.plan.root()));
  return absl::OkStatus();
}

absl::StatusOr<OutputPipe> MakeOutputPipe(const internal::Identity& identity) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  OutputPipe pipe = {OwnedFd(fds[0]), OwnedFd(fds[1])};
  // Ours alone must not block: the flag belongs to the open file, and each end is one.
  if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) return ErrnoStatus(errno, "pipe");
  // So that the task can open /dev/stdout, which is a link to this pipe.
  const TaskOwner owner = OwnerOf(identity);
  if (fchown(fds[1], owner.uid, owner.gid) != 0) return ErrnoStatus(errno, "pipe owner");
  return pipe;
}

// Files that the task cannot reach: it gets pipes. `logs` is not part of its root.
absl::Status Output(Run* run) {
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd logs, MakeDirectory(run->job.task_directory.get(),
                                                        state::kLogsDirectory, 0700, 0, 0));
  constexpr int kFlags = O_CREAT | O_WRONLY | O_APPEND;
  CLOISTER_ASSIGN_OR_RETURN(run->task.stdout_file,
                            OpenBeneath(logs.get(), state::kStdoutLog, kFlags, 0600));
  CLOISTER_ASSIGN_OR_RETURN(run->task.stderr_file,
                            OpenBeneath(logs.get(), state::kStderrLog, kFlags, 0600));
  CLOISTER_ASSIGN_OR_RETURN(run->out, MakeOutputPipe(run->job.plan.identity()));
  CLOISTER_ASSIGN_OR_RETURN(run->err, MakeOutputPipe(run->job.plan.identity()));
  CLOISTER_ASSIGN_OR_RETURN(auto report, MakeSeqpacketPair());
  if (fcntl(report.first.get(), F_SETFL, O_NONBLOCK) != 0)
    return ErrnoStatus(errno, "report socket");
  run->task.report = std::move(report.first);
  run->child_report = std::move(report.second);
  return absl::OkStatus();
}

absl::Status CgroupTake(Run* run) {
  CLOISTER_ASSIGN_OR_RETURN(run->task.pool, run->site->PoolFor(run->job.plan.cgroup()));
  if (run->task.pool == nullptr) return absl::OkStatus();
  CLOISTER_ASSIGN_OR_RETURN(run->task.slot, run->task.pool->Take());
  return absl::OkStatus();
}

// Before the clone: the child never runs without its limits.
absl::Status CgroupLimits(Run* run) {
  return run->task.slot.Limit(run->job.plan.cgroup(), &run->index);
}

// Before the clone: the child is never in a cgroup without it. Only a task with devices of its own
// pays for more than a look-up.
absl::Status Devices(Run* run) {
  const internal::LaunchPlan& plan = run->job.plan;
  const internal::DevicePlan::Filter filter = plan.devices().filter();
  // The controller's rules were among the limits.
  if (filter == internal::DevicePlan::FILTER_UNSPECIFIED ||
      filter == internal::DevicePlan::FILTER_CONTROLLER) {
    return absl::OkStatus();
  }
  if (filter != internal::DevicePlan::FILTER_BPF || run->task.pool == nullptr) {
    return absl::InvalidArgumentError("plan has a device filter that is unknown to this launcher");
  }
  CLOISTER_RETURN_IF_ERROR(run->site->FilterDevices(run->task.pool, plan.cgroup()));
  if (plan.devices().rules().empty()) return absl::OkStatus();
  return AttachDeviceFilter(plan.cgroup(), run->task.slot.name(), plan.devices());
}

// Before the clone: whatever happens from here on, the record says which cgroups to clean.
absl::Status Record(Run* run) {
  return WriteLaunchRecord(run->job.task_directory.get(), run->site->boot_id(), run->task);
}

void FillContext(Run* run, const LowFds::Block& block, const cgroup::JoinFds& joins) {
  ChildContext& context = run->flat->context();
  context.join_count = 0;
  for (int fd : joins.tasks) context.joins[context.join_count++] = fd;
  context.stdin_fd = block.Number(0);
  context.stdout_fd = block.Number(1);
  context.stderr_fd = block.Number(2);
  context.report_fd = block.Number(3);
  context.init_fd = run->site->init_fd();
  context.first_foreign_fd = LowFds::first_foreign();
  context.fail_step = run->site->options().fail_step;
  context.fail_error = run->site->options().fail_error;
}

absl::Status Clone(Run* run) {
  const std::unique_ptr<LowFds::Block> block = run->site->low_fds().Take();
  const int fds[] = {run->site->null_fd(), run->out.write.get(), run->err.write.get(),
                     run->child_report.get()};
  for (int i = 0; i < LowFds::kBlockSize; ++i) CLOISTER_RETURN_IF_ERROR(block->Place(i, fds[i]));
  const cgroup::JoinFds joins = run->task.slot.GetJoinFds();
  if (joins.tasks.size() > kMaxJoins)
    return absl::InvalidArgumentError("plan has too many cgroup hierarchies");
  FillContext(run, *block, joins);
  // The cgroup namespace is made by a step of its own, after the join; so is the user namespace,
  // which is not to own the others.
  const uint64_t namespaces =
      run->job.plan.namespaces() & ~static_cast<uint64_t>(CLONE_NEWCGROUP | CLONE_NEWUSER);
  // setns(2) wants a filesystem context that nobody shares. It is the thread's own already, unless
  // a step before has started a thread from this one; then this parts them, else it does nothing.
  if (unshare(CLONE_FS) != 0) return ErrnoStatus(errno, "own filesystem context");
  if (setns(run->root->get(), CLONE_NEWNS) != 0)
    return ErrnoStatus(errno, "enter the root template");
  absl::StatusOr<ClonedChild> child =
      CloneChild(run->flat->context(), namespaces, joins.clone_into, run->thread->stack);
  if (setns(run->site->host_namespace(), CLONE_NEWNS) != 0) {
    // In the wrong namespace the next task would be built from another's root: there is no going
    // on.
    std::abort();
  }
  CLOISTER_RETURN_IF_ERROR(child.status());
  run->child = *std::move(child);
  return absl::OkStatus();
}

// Concurrent with init's start. Of a child that has ended already the start time is still there: it
// is not reaped yet.
absl::Status RecordPid(Run* run) {
  run->task.pid = run->child.pid;
  run->task.without_init = run->job.plan.exec().without_init();
  run->task.own_pid_namespace = (run->job.plan.namespaces() & CLONE_NEWPID) != 0;
  run->task.mount_namespace = OwnedFd(ioctl(run->child.pidfd.get(), kPidfdGetMountNamespace, 0));
  CLOISTER_ASSIGN_OR_RETURN(run->task.start_time_ticks, ProcessStartTime(run->child.pid));
  return WriteProcessRecord(run->job.task_directory.get(), run->site->boot_id(), run->task);
}

struct OutsideStep {
  internal::LaunchStep name;
  absl::Status (*run)(Run* run);
};

constexpr OutsideStep kOutsideSteps[] = {
    {internal::LAUNCH_STEP_PLAN, ReadPlan},
    {internal::LAUNCH_STEP_ID_MAPS, IdMaps},
    {internal::LAUNCH_STEP_TASK_DIRECTORY, TaskDirectory},
    {internal::LAUNCH_STEP_FILES, Files},
    {internal::LAUNCH_STEP_TEMPLATE, Template},
    {internal::LAUNCH_STEP_OUTPUT, Output},
    {internal::LAUNCH_STEP_CGROUP_TAKE, CgroupTake},
    {internal::LAUNCH_STEP_CGROUP_LIMITS, CgroupLimits},
    {internal::LAUNCH_STEP_DEVICES, Devices},
    {internal::LAUNCH_STEP_RECORD, Record},
    {internal::LAUNCH_STEP_CLONE, Clone},
    {internal::LAUNCH_STEP_RECORD_PID, RecordPid},
};

internal::LaunchFailure MakeFailure(internal::LaunchStep step, int index, int error,
                                    absl::string_view detail) {
  internal::LaunchFailure failure;
  failure.set_step(step);
  failure.set_index(index);
  failure.set_error_number(error);
  failure.set_detail(std::string(detail));
  return failure;
}

// What a child that did not come to init's exec has said; nothing if it did.
absl::optional<internal::LaunchFailure> ReadChildFailure(Run* run) {
  ReportMessage message;
  // Peeked, because a message of init's, which is faster than us sometimes, belongs to the
  // supervisor.
  const ssize_t size =
      recv(run->task.report.get(), &message, sizeof(message), MSG_PEEK | MSG_DONTWAIT);
  if (size == sizeof(message) && message.kind == kReportFailed && message.step != kStepExec) {
    return MakeFailure(static_cast<internal::LaunchStep>(message.step), message.index,
                       message.error, "");
  }
  return absl::nullopt;
}

// Ends what the steps so far have made, in the order of its making turned round.
void Undo(Run* run) {
  if (run->child.pidfd.valid()) {
    run->child.pidfd.Signal(SIGKILL).IgnoreError();  // Gone already, as a rule.
    run->child.pidfd.WaitAndReap().IgnoreError();
  }
  if (run->task.pool != nullptr && !run->task.slot.name().empty())
    run->task.pool->Discard(std::move(run->task.slot));
}

LaunchedTask Finish(Run* run) {
  run->task.init = std::move(run->child.pidfd);
  run->task.stdout_pipe = std::move(run->out);
  run->task.stderr_pipe = std::move(run->err);
  run->task.task_directory = std::move(run->job.task_directory);
  run->task.slot.CloseJoinFds();
  return std::move(run->task);
}

}  // namespace

std::string SeccompHash(const internal::LaunchPlan& plan) {
  if (plan.seccomp() != internal::LaunchPlan::SECCOMP_PROGRAM) return "";
  return plan.seccomp_filter().hash();
}

absl::variant<LaunchedTask, internal::LaunchFailure> Launch(LaunchSite* site, LaunchThread* thread,
                                                            LaunchJob job) {
  Run run{};
  run.site = site;
  run.thread = thread;
  run.job = std::move(job);
  for (const OutsideStep& step : kOutsideSteps) {
    run.index = 0;
    absl::Status status =
        step.name == site->options().fail_step
            ? ErrnoStatus(site->options().fail_error, internal::LaunchStep_Name(step.name))
            : step.run(&run);
    if (!status.ok()) {
      Undo(&run);
      return MakeFailure(step.name, run.index, ErrnoOf(status), status.message());
    }
    if (step.name != internal::LAUNCH_STEP_CLONE) continue;
    // It would keep the socket open after the task's end.
    run.child_report.reset();
    if (absl::optional<internal::LaunchFailure> failure = ReadChildFailure(&run)) {
      Undo(&run);
      return *std::move(failure);
    }
  }
  return Finish(&run);
}

}  // namespace launch
}  // namespace cloister
