#include "libs/cgroup/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/kill_v1.h"
#include "libs/cgroup/kill_v2.h"

namespace cloister::cgroup {
namespace {

absl::Status CheckName(const std::string& name) {
  if (name.empty() || name.size() > 255 || name == "." || name == ".." ||
      absl::StrContains(name, '/')) {
    return absl::InvalidArgumentError(absl::StrCat("cgroup slot '", name, "': not a plain name"));
  }
  return absl::OkStatus();
}

bool Exists(const ControlFile& file) {
  return faccessat(file.directory, file.path.c_str(), F_OK, 0) == 0;
}

// What the plan would say of a recorded directory, told by the files that the kernel keeps in it.
SlotParent Recognise(const std::string& name, SlotParent parent) {
  parent.unified = Exists(parent.File(name, "cgroup.events"));
  parent.memory =
      Exists(parent.File(name, parent.unified ? "memory.events" : "memory.oom_control"));
  parent.cpu_time = parent.unified || Exists(parent.File(name, "cpuacct.usage"));
  parent.pids = !parent.unified && Exists(parent.File(name, "pids.max"));
  return parent;
}

absl::StatusOr<uint64_t> ReadNumber(const ControlFile& file) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string text, ReadControlFile(file));
  uint64_t number = 0;
  if (!absl::SimpleAtoi(absl::StripSuffix(text, "\n"), &number)) {
    return absl::DataLossError(
        absl::StrCat(file.shown, "/", file.path, ": '", text, "' is no number"));
  }
  return number;
}

absl::Status ReadMemory(const SlotParent& parent, const std::string& name, CgroupStats& stats) {
  CLOISTER_ASSIGN_OR_RETURN(
      const std::string events,
      ReadControlFile(parent.File(name, parent.unified ? "memory.events" : "memory.oom_control")));
  stats.oom_kills = ParseCounter(events, "oom_kill");
  CLOISTER_ASSIGN_OR_RETURN(
      stats.memory_peak_bytes,
      ReadNumber(parent.File(name, parent.unified ? "memory.peak" : "memory.max_usage_in_bytes")));
  return absl::OkStatus();
}

absl::Status ReadCpuTime(const SlotParent& parent, const std::string& name, CgroupStats& stats) {
  if (!parent.unified) {
    CLOISTER_ASSIGN_OR_RETURN(stats.cpu_time_ns, ReadNumber(parent.File(name, "cpuacct.usage")));
    return absl::OkStatus();
  }
  CLOISTER_ASSIGN_OR_RETURN(const std::string text, ReadControlFile(parent.File(name, "cpu.stat")));
  stats.cpu_time_ns = ParseCounter(text, "usage_usec") * 1000;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CgroupSlot> CgroupSlot::Create(std::shared_ptr<const SlotParents> parents,
                                              const std::string& name, Existing existing) {
  CLOISTER_RETURN_IF_ERROR(CheckName(name));
  CgroupSlot slot(std::move(parents), name);
  std::vector<const SlotParent*> made;
  absl::Cleanup undo = [&made, &name] {
    for (const SlotParent* parent : made) {
      (void)unlinkat(parent->directory.get(), name.c_str(), AT_REMOVEDIR);
    }
  };
  for (const SlotParent& parent : *slot.parents_) {
    if (mkdirat(parent.directory.get(), name.c_str(), 0755) == 0) {
      made.push_back(&parent);
    } else if (errno != EEXIST || existing == Existing::kRefuse) {
      return ErrnoStatus(errno, absl::StrCat(parent.shown, "/", name));
    }
  }
  CLOISTER_RETURN_IF_ERROR(slot.OpenJoinFds());
  std::move(undo).Cancel();
  return slot;
}

absl::Status CgroupSlot::OpenJoinFds() {
  for (const SlotParent& parent : *parents_) {
    if (parent.unified) {
      unified_ = OwnedFd(openat(parent.directory.get(), name_.c_str(),
                                O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
      if (!unified_.valid()) return ErrnoStatus(errno, absl::StrCat(parent.shown, "/", name_));
      continue;
    }
    const ControlFile file = parent.File(name_, "tasks");
    tasks_.emplace_back(
        openat(file.directory, file.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!tasks_.back().valid()) {
      return ErrnoStatus(errno, absl::StrCat(file.shown, "/", file.path));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<CgroupSlot> CgroupSlot::Reopen() const {
  CgroupSlot slot(parents_, name_);
  CLOISTER_RETURN_IF_ERROR(slot.OpenJoinFds());
  return slot;
}

absl::StatusOr<CgroupSlot> CgroupSlot::Open(const std::vector<SlotDirectory>& directories) {
  auto parents = std::make_shared<SlotParents>();
  std::string name;
  for (const SlotDirectory& directory : directories) {
    const size_t slash = directory.path.rfind('/');
    if (slash == std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("cgroup slot '", directory.path, "': has no parent"));
    }
    const std::string last = directory.path.substr(slash + 1);
    CLOISTER_RETURN_IF_ERROR(CheckName(last));
    if (!name.empty() && last != name) {
      return absl::InvalidArgumentError(
          absl::StrCat("cgroup slot '", directory.path, "': is called '", name, "' elsewhere"));
    }
    name = last;
    SlotParent parent;
    parent.mount_point = directory.mount_point;
    parent.path = directory.path.substr(0, slash);
    parent.shown = absl::StrCat(parent.mount_point, "/", parent.path);
    parent.directory = OwnedFd(open(parent.shown.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent.directory.valid() && errno == ENOENT) continue;
    if (!parent.directory.valid()) return ErrnoStatus(errno, parent.shown);
    if (!Exists({parent.directory.get(), name, parent.shown})) continue;
    parents->push_back(Recognise(name, std::move(parent)));
  }
  return CgroupSlot(std::move(parents), std::move(name));
}

absl::StatusOr<CgroupSlot> CgroupSlot::Refer(std::shared_ptr<const SlotParents> parents,
                                             const std::string& name) {
  CLOISTER_RETURN_IF_ERROR(CheckName(name));
  return CgroupSlot(std::move(parents), name);
}

void CgroupSlot::LoadLimitFiles() const {
  for (const SlotParent& parent : *parents_) {
    for (const std::string& file : parent.limit_files) (void)Exists(parent.File(name_, file));
  }
}

absl::Status CgroupSlot::Limit(const internal::CgroupPlan& plan, int* failed_index) const {
  if (!SamePlacement(*parents_, plan)) {
    return absl::InvalidArgumentError(
        absl::StrCat("cgroup slot '", name_, "': the plan is for other hierarchies"));
  }
  int index = 0;
  for (size_t i = 0; i < parents_->size(); ++i) {
    for (const internal::CgroupPlan::Write& write :
         plan.hierarchies(static_cast<int>(i)).limits()) {
      absl::Status status =
          absl::StrContains(write.file(), '/')
              ? absl::InvalidArgumentError(absl::StrCat("'", write.file(), "': no control file"))
              : WriteControlFile((*parents_)[i].File(name_, write.file()), write.value());
      if (!status.ok()) {
        if (failed_index != nullptr) *failed_index = index;
        return status;
      }
      ++index;
    }
  }
  return absl::OkStatus();
}

JoinFds CgroupSlot::GetJoinFds() const {
  JoinFds fds;
  for (const OwnedFd& fd : tasks_) fds.tasks.push_back(fd.get());
  fds.clone_into = unified_.get();
  return fds;
}

void CgroupSlot::CloseJoinFds() {
  tasks_.clear();
  unified_.reset();
}

absl::Status CgroupSlot::Kill(absl::Duration patience) const {
  const absl::Time deadline = absl::Now() + patience;
  for (const SlotParent& parent : *parents_) {
    // A task is born into its v2 cgroup and joins the others later: whoever is in any is in that
    // one.
    if (parent.unified) return KillV2(parent, name_, deadline);
  }
  // All forks first, so that no round finds more than the one before.
  for (const SlotParent& parent : *parents_) {
    if (parent.pids) CLOISTER_RETURN_IF_ERROR(StopForksV1(parent, name_));
  }
  for (const SlotParent& parent : *parents_) {
    CLOISTER_RETURN_IF_ERROR(KillV1(parent, name_, deadline));
  }
  return absl::OkStatus();
}

absl::StatusOr<CgroupStats> CgroupSlot::Stats() const {
  CgroupStats stats;
  for (const SlotParent& parent : *parents_) {
    if (parent.memory) CLOISTER_RETURN_IF_ERROR(ReadMemory(parent, name_, stats));
    if (parent.cpu_time) CLOISTER_RETURN_IF_ERROR(ReadCpuTime(parent, name_, stats));
  }
  return stats;
}

absl::Status CgroupSlot::Remove() {
  // An open file of it does not keep a cgroup, but there is nothing left to join.
  CloseJoinFds();
  absl::Status status;
  for (const SlotParent& parent : *parents_) {
    if (unlinkat(parent.directory.get(), name_.c_str(), AT_REMOVEDIR) == 0) continue;
    if (errno == ENOENT) continue;
    status.Update(ErrnoStatus(errno, absl::StrCat(parent.shown, "/", name_)));
  }
  return status;
}

std::vector<SlotDirectory> CgroupSlot::directories() const {
  std::vector<SlotDirectory> directories;
  for (const SlotParent& parent : *parents_) {
    directories.push_back({parent.mount_point, absl::StrCat(parent.path, "/", name_)});
  }
  return directories;
}

}  // namespace cloister::cgroup
