#include "libs/cgroup/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/child_cgroups.h"
#include "libs/cgroup/control_file.h"
#include "libs/cgroup/placement.h"

namespace cloister::cgroup {
namespace {

std::string ListPids(const std::string& directory) {
  absl::StatusOr<std::string> text =
      ReadControlFile(FileAt(absl::StrCat(directory, "/cgroup.procs")));
  if (!text.ok()) return "";
  std::vector<pid_t> pids = ParsePids(*text);
  constexpr size_t kShown = 10;
  if (pids.size() > kShown) pids.resize(kShown);
  return absl::StrJoin(pids, ", ");
}

// The directories from the mount point to the parent, both included, top down.
std::vector<std::string> PathTo(const std::string& mount_point, absl::string_view parent) {
  std::vector<std::string> path = {mount_point};
  for (absl::string_view name : absl::StrSplit(parent, '/')) {
    path.push_back(absl::StrCat(path.back(), "/", name));
  }
  return path;
}

// What MakeParent has done so far, to be taken back.
struct Progress {
  std::vector<std::string> made;
  // cgroup.procs of where the process came from.
  std::vector<std::string> origins;

  void TakeBack() const {
    for (const std::string& origin : origins) (void)WriteControlFile(FileAt(origin), "0");
    for (auto made_last = made.rbegin(); made_last != made.rend(); ++made_last) {
      (void)rmdir(made_last->c_str());
    }
  }
};

absl::Status MakeCgroup(const std::string& path, const node::CgroupHierarchy& hierarchy,
                        Progress& progress) {
  if (mkdir(path.c_str(), 0755) == 0) {
    progress.made.push_back(path);
    return absl::OkStatus();
  }
  const int error_number = errno;
  if (error_number == EEXIST) return absl::OkStatus();
  if (error_number == EACCES || error_number == EPERM) {
    return ErrnoStatus(
        error_number,
        absl::StrCat(path, ": choose a --cgroup_parent that this process may use; it is in '",
                     hierarchy.own_path.empty() ? "/" : hierarchy.own_path,
                     "' itself (with systemd: Delegate=yes)"));
  }
  return ErrnoStatus(error_number, path);
}

absl::Status JoinSupervisor(const std::string& supervisor, const node::CgroupHierarchy& hierarchy,
                            Progress& progress) {
  // "0" is the writer. Through cgroup.procs, as all threads have to come along; it may take an RCU
  // grace period (10 ms), once.
  CLOISTER_RETURN_IF_ERROR(
      WriteControlFile(FileAt(absl::StrCat(supervisor, "/cgroup.procs")), "0"));
  progress.origins.push_back(absl::StrCat(hierarchy.mount_point,
                                          hierarchy.own_path.empty() ? "" : "/", hierarchy.own_path,
                                          "/cgroup.procs"));
  return absl::OkStatus();
}

absl::Status MakeTree(const node::CgroupHierarchy& hierarchy, absl::string_view parent,
                      Progress& progress) {
  const std::vector<std::string> path = PathTo(hierarchy.mount_point, parent);
  for (auto directory = path.begin() + 1; directory != path.end(); ++directory) {
    CLOISTER_RETURN_IF_ERROR(MakeCgroup(*directory, hierarchy, progress));
  }
  for (absl::string_view name : {kShare, kReserve, kSupervisor}) {
    CLOISTER_RETURN_IF_ERROR(MakeCgroup(absl::StrCat(path.back(), "/", name), hierarchy, progress));
  }
  return absl::OkStatus();
}

// Lists of names separated by blanks, as in cgroup.controllers and cgroup.subtree_control.
absl::StatusOr<std::vector<std::string>> ReadNames(const std::string& file) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string text, ReadControlFile(FileAt(file)));
  return std::vector<std::string>(absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty()));
}

std::vector<std::string> MissingIn(const std::vector<std::string>& names,
                                   const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  for (const std::string& name : wanted) {
    if (std::find(names.begin(), names.end(), name) == names.end()) missing.push_back(name);
  }
  return missing;
}

// v2: lets the children of `directory` have `controllers`. One write for all of them: the kernel
// switches them together or not at all.
absl::Status EnableBeneath(const std::string& directory,
                           const std::vector<std::string>& controllers) {
  const std::string file = absl::StrCat(directory, "/cgroup.subtree_control");
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> enabled, ReadNames(file));
  const std::vector<std::string> missing = MissingIn(enabled, controllers);
  if (missing.empty()) return absl::OkStatus();
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> available,
                            ReadNames(absl::StrCat(directory, "/cgroup.controllers")));
  const std::vector<std::string> unavailable = MissingIn(available, missing);
  if (!unavailable.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("cgroup controller '", unavailable.front(), "' is not available in ",
                     directory, " (cgroup v2): write '+", unavailable.front(),
                     "' to cgroup.subtree_control of the cgroup above it "
                     "(with systemd: Delegate=yes), or start the executor with --cgroups=none: "
                     "tasks then run fenced but "
                     "without limits"));
  }
  const std::string value = absl::StrCat("+", absl::StrJoin(missing, " +"));
  absl::Status status = WriteControlFile(FileAt(file), value);
  if (ErrnoOf(status) != EBUSY) return status;
  return absl::FailedPreconditionError(absl::StrCat(
      file, ": '", value, "' is refused while processes are in ", directory, " itself (process ",
      ListPids(directory),
      "): cgroup v2 enables controllers only above cgroups, not beside processes; move "
      "them into a child of it, or choose another --cgroup_parent"));
}

absl::Status EnableControllers(const HierarchyUse& use, absl::string_view parent) {
  if (!use.hierarchy->unified || use.controllers.empty()) return absl::OkStatus();
  std::vector<std::string> path = PathTo(use.hierarchy->mount_point, parent);
  const std::string top = path.back();
  path.push_back(absl::StrCat(top, "/", kShare));
  path.push_back(absl::StrCat(top, "/", kReserve));
  for (const std::string& directory : path) {
    CLOISTER_RETURN_IF_ERROR(EnableBeneath(directory, use.controllers));
  }
  return absl::OkStatus();
}

absl::Status RemoveOne(const std::string& path, absl::Time deadline) {
  while (rmdir(path.c_str()) != 0) {
    if (errno == ENOENT) break;
    if (errno != EBUSY) return ErrnoStatus(errno, path);
    if (absl::Now() >= deadline) {
      const std::string pids = ListPids(path);
      return ErrnoStatus(EBUSY, pids.empty() ? path : absl::StrCat(path, " (process ", pids, ")"));
    }
    (void)poll(nullptr, 0, 1);
  }
  return absl::OkStatus();
}

// Children first. Only we and root make cgroups in there, so the depth is ours: no task sees this
// tree.
absl::Status RemoveTree(const std::string& path, absl::Time deadline) {
  const OwnedFd directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, path);
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> children,
                            ListChildCgroups(directory.get(), path));
  absl::Status status;
  for (const std::string& child : children) {
    status.Update(RemoveTree(absl::StrCat(path, "/", child), deadline));
  }
  CLOISTER_RETURN_IF_ERROR(status);
  return RemoveOne(path, deadline);
}

}  // namespace

absl::Status MakeParent(const node::CgroupFacts& facts, absl::string_view parent) {
  CLOISTER_RETURN_IF_ERROR(CheckParent(parent));
  // Not "nothing to do": tasks would run without limits, and nobody has agreed to that.
  if (facts.layout == node::CgroupLayout::kNone) {
    return absl::FailedPreconditionError(
        "no cgroup hierarchy with cpu, memory or pids is mounted: mount one ('mount -t cgroup2 "
        "none "
        "/sys/fs/cgroup'), or start the executor with --cgroups=none: tasks then run fenced but "
        "without limits");
  }
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<HierarchyUse> uses, ChooseHierarchies(facts));
  Progress progress;
  absl::Cleanup take_back = [&progress] { progress.TakeBack(); };
  for (const HierarchyUse& use : uses) {
    CLOISTER_RETURN_IF_ERROR(MakeTree(*use.hierarchy, parent, progress));
  }
  // Before controllers are enabled: v2 refuses that above a cgroup which has processes, and the
  // parent may be the very cgroup in which systemd started us.
  for (const HierarchyUse& use : uses) {
    const std::string supervisor =
        absl::StrCat(use.hierarchy->mount_point, "/", parent, "/", kSupervisor);
    CLOISTER_RETURN_IF_ERROR(JoinSupervisor(supervisor, *use.hierarchy, progress));
  }
  for (const HierarchyUse& use : uses) {
    CLOISTER_RETURN_IF_ERROR(EnableControllers(use, parent));
  }
  std::move(take_back).Cancel();
  return absl::OkStatus();
}

absl::Status RemoveParent(const node::CgroupFacts& facts, absl::string_view parent,
                          absl::Duration patience) {
  CLOISTER_RETURN_IF_ERROR(CheckParent(parent));
  const absl::Time deadline = absl::Now() + patience;
  absl::Status status;
  for (const node::CgroupHierarchy& hierarchy : facts.hierarchies) {
    status.Update(RemoveTree(absl::StrCat(hierarchy.mount_point, "/", parent), deadline));
  }
  return status;
}

}  // namespace cloister::cgroup
