#include "tools/cloister/dev_removal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/parent.h"
#include "libs/cgroup/placement.h"
#include "libs/cgroup/slot_parents.h"
#include "libs/cgroup/slot_sweep.h"
#include "libs/node/host_root.h"
#include "libs/node/mountinfo.h"
#include "libs/node/read_cgroup_facts.h"
#include "libs/state/tree_removal.h"
#include "tools/cloister/dev_cgroup.h"

namespace cloister {
namespace {

constexpr absl::Duration kCgroupPatience = absl::Seconds(10);

bool IsAtOrBeneath(const std::string& path, const std::string& directory) {
  return path == directory || absl::StartsWith(path, absl::StrCat(directory, "/"));
}

// Kills and removes the slots of one node, whichever launcher made them.
absl::Status SweepNode(const node::CgroupFacts& facts, const std::string& parent) {
  CLOISTER_ASSIGN_OR_RETURN(const internal::CgroupPlan plan,
                            cgroup::PlaceTask(facts, parent, cgroup::TaskLimits()));
  auto parents = cgroup::OpenSlotParents(plan);
  if (absl::IsNotFound(parents.status())) return absl::OkStatus();
  if (!parents.ok()) return parents.status();
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> slots, cgroup::ListSlots(**parents));
  std::set<std::string> prefixes;
  for (const std::string& slot : slots) prefixes.insert(slot.substr(0, slot.rfind('-')));
  absl::Status first;
  for (const std::string& prefix : prefixes)
    first.Update(cgroup::SweepSlots(*parents, prefix, kCgroupPatience));
  return first;
}

// A user's may be changed where they are, which is not at the top.
absl::StatusOr<node::CgroupFacts> ReadFacts() {
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot root, node::HostRoot::Open("/"));
  CLOISTER_ASSIGN_OR_RETURN(node::CgroupFacts facts, node::ReadCgroupFacts(root));
  for (node::CgroupHierarchy& hierarchy : facts.hierarchies) {
    hierarchy.writable = hierarchy.writable || (hierarchy.unified && geteuid() != 0);
  }
  return facts;
}

absl::Status RemovePlace(const node::CgroupFacts& facts, const std::string& place,
                         const std::function<void(absl::string_view)>& progress) {
  absl::Status removed = cgroup::RemoveParent(facts, place, absl::ZeroDuration());
  if (removed.ok()) return removed;
  progress("ending what is left in the cluster's cgroups");
  absl::Status first;
  for (int number = 1; number <= kMaxDevNodes; ++number) {
    const std::string node = absl::StrCat(place, "/node-", number);
    first.Update(Annotate(SweepNode(facts, node), node));
  }
  removed = cgroup::RemoveParent(facts, place, kCgroupPatience);
  return removed.ok() || first.ok() ? removed : first;
}

absl::Status RemoveTree(const std::string& path) {
  OwnedFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!directory.valid()) return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, path);
  CLOISTER_RETURN_IF_ERROR(state::RemoveContents(directory.get(), path, ""));
  if (rmdir(path.c_str()) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

absl::Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FindPlacesOfDevCgroups(
    const DevLayout& layout, const std::vector<pid_t>& services) {
  if (geteuid() == 0) return std::vector<std::string>{layout.cgroup_parent};
  CLOISTER_ASSIGN_OR_RETURN(const node::CgroupFacts facts, ReadFacts());
  return FindDevCgroups(layout, services, facts);
}

absl::Status RemoveDevCgroups(const DevLayout& layout, const std::vector<std::string>& places,
                              const std::function<void(absl::string_view)>& progress) {
  CLOISTER_ASSIGN_OR_RETURN(const node::CgroupFacts facts, ReadFacts());
  absl::Status first;
  // In the order of their names: what has made room for the others comes after them.
  for (const std::string& place : places) {
    if (absl::EndsWith(place, absl::StrCat("/", layout.service_cgroup))) {
      first.Update(StepBack(layout));
    }
    first.Update(RemovePlace(facts, place, progress));
  }
  return first;
}

absl::Status RemoveDevMounts(const DevLayout& layout) {
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot root, node::HostRoot::Open("/"));
  CLOISTER_ASSIGN_OR_RETURN(const std::string text, root.ReadText("/proc/self/mountinfo"));
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<node::MountEntry> mounts, node::ParseMountInfo(text));
  absl::Status first;
  // From the last: a mount is listed after the one that it is on.
  for (auto mount = mounts.rbegin(); mount != mounts.rend(); ++mount) {
    const std::string& path = mount->mount_point;
    // The directory itself may be a mount of its owner's.
    if (path == layout.directory) continue;
    if (!IsAtOrBeneath(path, layout.directory) && !IsAtOrBeneath(path, layout.run_directory))
      continue;
    if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
      first.Update(ErrnoStatus(errno, path));
  }
  return first;
}

absl::Status RemoveDevFiles(const DevLayout& layout) {
  absl::Status first;
  for (int number = 1; number <= kMaxDevNodes; ++number) {
    first.Update(RemoveTree(layout.Node(number).state_directory));
  }
  first.Update(RemoveTree(layout.run_directory));
  if (layout.run_is_link()) first.Update(RemoveFile(layout.run_link));
  first.Update(RemoveFile(absl::StrCat(layout.record, ".tmp")));
  // Last: while it is there, a stop has something to do.
  if (first.ok()) first.Update(RemoveFile(layout.record));
  return first;
}

std::vector<std::string> ListDevDirectory(const std::string& path) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

}  // namespace cloister
