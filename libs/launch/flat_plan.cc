#include "libs/launch/flat_plan.h"

#include <sched.h>
#include <sys/mount.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/status_macros.h"
#include "libs/launch/task_owner.h"

namespace cloister {
namespace launch {
namespace {

char* Pointer(const std::string& text) { return const_cast<char*>(text.c_str()); }

absl::Status CheckLists(const internal::LaunchPlan& plan) {
  if (plan.mounts_size() > kMaxMounts) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan has ", plan.mounts_size(), " mounts: over ", kMaxMounts));
  }
  if (plan.files_size() > kMaxFiles) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan has ", plan.files_size(), " files: over ", kMaxFiles));
  }
  // It would be the node's.
  if (!plan.hostname().empty() && (plan.namespaces() & CLONE_NEWUTS) == 0) {
    return absl::InvalidArgumentError("plan has a hostname without a namespace for it");
  }
  const internal::Identity::UserNamespace& space = plan.identity().user_namespace();
  if (space.count() > 0 && (space.first() == 0 || space.first() > UINT32_MAX - space.count())) {
    return absl::InvalidArgumentError("plan has a range of ids that is not assigned");
  }
  if (plan.exec().candidates().empty()) return absl::InvalidArgumentError("plan has no command");
  for (const std::string& candidate : plan.exec().candidates()) {
    if (candidate.empty()) return absl::InvalidArgumentError("plan has an empty command");
  }
  return absl::OkStatus();
}

// The group of terminals, as tasks know it.
std::string TtyGroup(const internal::Mount& mount, const internal::Identity& identity) {
  constexpr uint32_t kTtyGid = 5;
  if (mount.without_tty_gid()) return "";
  return absl::StrCat(",gid=",
                      HasIdRange(identity) ? identity.user_namespace().first() + kTtyGid : kTtyGid);
}

// Filesystem type and options of a mount that is made new inside.
absl::Status DescribeMount(const internal::Mount& mount, const internal::Identity& identity,
                           ChildMount* result, std::string* options) {
  switch (mount.kind()) {
    case internal::Mount::KIND_PROC:
      result->type = "proc";
      break;
    case internal::Mount::KIND_DEVPTS:
      result->type = "devpts";
      *options =
          absl::StrCat("newinstance,ptmxmode=0666,mode=0620,max=64", TtyGroup(mount, identity));
      break;
    case internal::Mount::KIND_MQUEUE:
      result->type = "mqueue";
      break;
    case internal::Mount::KIND_TMPFS:
      result->chosen = mount.chosen();
      result->type = "tmpfs";
      *options = absl::StrFormat("mode=%o,size=%d", mount.mode(), mount.size_bytes());
      if (mount.owned()) {
        const TaskOwner owner = OwnerOf(identity);
        absl::StrAppend(options, ",uid=", owner.uid, ",gid=", owner.gid);
      }
      if (mount.noswap()) absl::StrAppend(options, ",noswap");
      break;
    case internal::Mount::KIND_TASK_DIRECTORY:
      break;
    case internal::Mount::KIND_HOST_DIRECTORY:
    case internal::Mount::KIND_CACHED:
      result->chosen = true;
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("mount on '", mount.inside(), "': unknown kind ", mount.kind()));
  }
  // Every mount of a task is nosuid,nodev, whatever the plan says; but /dev/pts without devices
  // would be no /dev/pts.
  result->flags = MS_NOSUID;
  if (mount.kind() != internal::Mount::KIND_DEVPTS) result->flags |= MS_NODEV;
  const bool executable = mount.kind() == internal::Mount::KIND_TMPFS ||
                          mount.kind() == internal::Mount::KIND_TASK_DIRECTORY;
  if (!executable || mount.noexec()) result->flags |= MS_NOEXEC;
  if (mount.read_only()) result->flags |= MS_RDONLY;
  return absl::OkStatus();
}

ChildCopy DescribeCopy(const internal::Mount& mount, const internal::Identity& identity) {
  const TaskOwner owner = mount.owned() ? OwnerOf(identity) : TaskOwner{0, 0};
  return {mount.source().empty() ? nullptr : mount.source().c_str(), mount.mode(), owner.uid,
          owner.gid};
}

}  // namespace

absl::Status FlatPlan::AddMounts(const internal::LaunchPlan& plan) {
  const size_t count = static_cast<size_t>(plan.mounts_size());
  mounts_.resize(count);
  mount_options_.resize(count);
  copies_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const internal::Mount& mount = plan.mounts(static_cast<int>(i));
    mounts_[i] = {mount.inside().c_str(), -1, nullptr, nullptr, 0, false, nullptr};
    if (mount.kind() == internal::Mount::KIND_COPIED) {
      copies_[i] = DescribeCopy(mount, plan.identity());
      mounts_[i].copy = &copies_[i];
      continue;
    }
    CLOISTER_RETURN_IF_ERROR(
        DescribeMount(mount, plan.identity(), &mounts_[i], &mount_options_[i]));
    mounts_[i].options = mount_options_[i].c_str();
  }
  context_.mounts = mounts_.data();
  context_.mount_count = static_cast<int>(count);
  return absl::OkStatus();
}

absl::Status FlatPlan::AddMasks(const internal::LaunchPlan& plan) {
  for (const internal::Mask& mask : plan.masks()) {
    ChildMask::Kind kind;
    switch (mask.kind()) {
      case internal::Mask::KIND_HIDDEN_FILE:
        kind = ChildMask::kHiddenFile;
        break;
      case internal::Mask::KIND_HIDDEN_DIRECTORY:
        kind = ChildMask::kHiddenDirectory;
        break;
      case internal::Mask::KIND_READ_ONLY:
        kind = ChildMask::kReadOnly;
        break;
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("mask of '", mask.inside(), "': unknown kind ", mask.kind()));
    }
    masks_.push_back({kind, mask.inside().c_str()});
  }
  context_.masks = masks_.data();
  context_.mask_count = static_cast<int>(masks_.size());
  return absl::OkStatus();
}

void FlatPlan::AddLandlock(const internal::Landlock& landlock) {
  for (const internal::Landlock::Rule& rule : landlock.rules()) {
    landlock_rules_.push_back({rule.inside().c_str(), rule.access(), rule.chosen()});
  }
  context_.landlock_access = landlock.handled_access();
  context_.landlock_scoped = landlock.scoped();
  context_.landlock_rules = landlock_rules_.data();
  context_.landlock_rule_count = static_cast<int>(landlock_rules_.size());
}

void FlatPlan::AddUserNamespace(const internal::Identity& identity) {
  context_.user_namespace = -1;
  if (!identity.has_user_namespace()) return;
  if (!HasIdRange(identity)) {
    maps_ = MapsOf(identity);
    context_.uid_map = maps_.uid.c_str();
    context_.gid_map = maps_.gid.c_str();
  }
  // It brings a full bounding set, whatever the launch thread has.
  context_.bounding_drop = ~uint64_t{0};
}

// The candidates, an empty string, the arguments: as init expects them; one more empty string in
// front for a payload that takes its place.
void FlatPlan::AddExec(const internal::Exec& exec) {
  static char empty[] = "";
  if (exec.without_init()) argv_.push_back(empty);
  for (const std::string& candidate : exec.candidates()) argv_.push_back(Pointer(candidate));
  argv_.push_back(empty);
  for (const std::string& argument : exec.args()) argv_.push_back(Pointer(argument));
  argv_.push_back(nullptr);
  for (const std::string& variable : exec.env()) env_.push_back(Pointer(variable));
  env_.push_back(nullptr);
  context_.init_argv = argv_.data();
  context_.envp = env_.data();
  context_.work_dir = exec.work_dir().c_str();
}

void FlatPlan::AddNames(const internal::LaunchPlan& plan) {
  oom_score_adj_ = absl::StrCat(plan.oom_score_adj());
  context_.oom_score_adj = oom_score_adj_.data();
  context_.oom_score_adj_size = oom_score_adj_.size();
  context_.hostname = plan.hostname().data();
  context_.hostname_size = plan.hostname().size();
  constexpr size_t kPage = 4096;
  size_t bytes = 0;
  for (const internal::GeneratedFile& file : plan.files()) {
    files_.push_back(file.inside().c_str());
    file_contents_.push_back({file.content().data(), file.content().size()});
    bytes += (file.content().size() / kPage + 1) * kPage;
  }
  file_options_ = absl::StrCat("mode=755,size=", bytes);
  context_.classic_mounts = plan.root().classic_mounts();
  context_.file_contents = file_contents_.data();
  context_.file_options = file_options_.c_str();
  context_.files = files_.data();
  context_.file_count = static_cast<int>(files_.size());
}

absl::StatusOr<std::unique_ptr<FlatPlan>> FlatPlan::Make(const internal::LaunchPlan& plan,
                                                         uint64_t thread_bounding) {
  CLOISTER_RETURN_IF_ERROR(CheckLists(plan));
  std::unique_ptr<FlatPlan> flat(new FlatPlan());
  CLOISTER_RETURN_IF_ERROR(flat->AddMounts(plan));
  CLOISTER_RETURN_IF_ERROR(flat->AddMasks(plan));
  flat->AddExec(plan.exec());
  flat->AddNames(plan);
  for (const internal::Rlimit& limit : plan.rlimits()) {
    flat->rlimits_.push_back({static_cast<int>(limit.resource()), limit.soft(), limit.hard()});
  }
  flat->groups_.assign(plan.identity().groups().begin(), plan.identity().groups().end());
  ChildContext& context = flat->context_;
  context.rlimits = flat->rlimits_.data();
  context.rlimit_count = static_cast<int>(flat->rlimits_.size());
  context.uid = plan.identity().uid();
  context.gid = plan.identity().gid();
  context.groups = flat->groups_.data();
  context.group_count = static_cast<int>(flat->groups_.size());
  context.bounding_drop = thread_bounding;
  flat->AddUserNamespace(plan.identity());
  context.bounding_drop &= ~plan.capabilities().bounding();
  context.permitted = plan.capabilities().permitted();
  context.effective = plan.capabilities().effective();
  context.inheritable = plan.capabilities().inheritable();
  context.ambient = plan.capabilities().ambient();
  context.umask = plan.umask();
  context.no_new_privs = plan.no_new_privs();
  flat->AddLandlock(plan.landlock());
  return flat;
}

}  // namespace launch
}  // namespace cloister
