#include "tools/cloister/dev_cgroup.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/control_file.h"
#include "libs/cgroup/delegation.h"
#include "libs/node/host_root.h"
#include "libs/node/read_cgroup_facts.h"

namespace cloister {
namespace {

// This process's, where a user's executors could have limits.
struct Own {
  std::string mount_point;
  // Empty: no place for them.
  std::string place;

  std::string At(const std::string& file) const {
    return absl::StrCat(mount_point, "/", place, "/", file);
  }
};

const node::CgroupHierarchy* Unified(const node::CgroupFacts& facts) {
  for (const node::CgroupHierarchy& hierarchy : facts.hierarchies) {
    if (hierarchy.unified) return &hierarchy;
  }
  return nullptr;
}

absl::StatusOr<Own> FindOwn() {
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot root, node::HostRoot::Open("/"));
  CLOISTER_ASSIGN_OR_RETURN(const node::CgroupFacts facts, node::ReadCgroupFacts(root));
  const node::CgroupHierarchy* const unified = Unified(facts);
  if (geteuid() == 0 || facts.layout != node::CgroupLayout::kV2 || unified == nullptr) return Own();
  return Own{unified->mount_point, unified->own_path};
}

absl::Status Move(const std::string& cgroup) {
  return cgroup::WriteControlFile(cgroup::FileAt(absl::StrCat(cgroup, "/cgroup.procs")), "0");
}

// Of another process; empty when it has ended.
std::string PlaceOf(const node::HostRoot& root, const std::string& mountinfo, pid_t pid) {
  const absl::StatusOr<std::string> text = root.ReadText(absl::StrCat("/proc/", pid, "/cgroup"));
  if (!text.ok()) return "";
  const absl::StatusOr<node::CgroupFacts> facts = node::ParseCgroupFacts(mountinfo, *text);
  const node::CgroupHierarchy* const unified = facts.ok() ? Unified(*facts) : nullptr;
  return unified == nullptr ? "" : unified->own_path;
}

}  // namespace

absl::Status StepAside(const DevLayout& layout) {
  CLOISTER_ASSIGN_OR_RETURN(const Own own, FindOwn());
  if (own.place.empty() || !cgroup::MayDivide(own.At(""))) return absl::OkStatus();
  CLOISTER_ASSIGN_OR_RETURN(const std::string processes,
                            cgroup::ReadControlFile(cgroup::FileAt(own.At("cgroup.procs"))));
  if (cgroup::ParsePids(processes) != std::vector<pid_t>{getpid()}) return absl::OkStatus();
  const std::string leaf = own.At(layout.service_cgroup);
  if (mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) return ErrnoStatus(errno, leaf);
  return Move(leaf);
}

absl::Status StepBack(const DevLayout& layout) {
  CLOISTER_ASSIGN_OR_RETURN(Own own, FindOwn());
  absl::string_view above = own.place;
  if (!absl::ConsumeSuffix(&above, absl::StrCat("/", layout.service_cgroup))) {
    return absl::OkStatus();
  }
  own.place = std::string(above);
  // All that it gives away was given by the cluster's executors: while we were in it, none was.
  const std::string control = own.At("cgroup.subtree_control");
  CLOISTER_ASSIGN_OR_RETURN(const std::string given,
                            cgroup::ReadControlFile(cgroup::FileAt(control)));
  const std::vector<std::string> names =
      absl::StrSplit(given, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  if (!names.empty()) {
    CLOISTER_RETURN_IF_ERROR(cgroup::WriteControlFile(
        cgroup::FileAt(control), absl::StrCat("-", absl::StrJoin(names, " -"))));
  }
  return Move(own.At(""));
}

absl::StatusOr<std::vector<std::string>> FindDevCgroups(const DevLayout& layout,
                                                        const std::vector<pid_t>& services,
                                                        const node::CgroupFacts& facts) {
  const node::CgroupHierarchy* const unified = Unified(facts);
  if (unified == nullptr) return std::vector<std::string>();
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot root, node::HostRoot::Open("/"));
  CLOISTER_ASSIGN_OR_RETURN(const std::string mountinfo, root.ReadText("/proc/self/mountinfo"));
  std::set<std::string> places = {unified->own_path};
  for (pid_t pid : services) places.insert(PlaceOf(root, mountinfo, pid));
  std::set<std::string> found;
  for (std::string place : places) {
    while (!place.empty()) {
      for (const std::string& name : {layout.cgroup_parent, layout.service_cgroup}) {
        const std::string path = absl::StrCat(place, "/", name);
        if (access(absl::StrCat(unified->mount_point, "/", path).c_str(), F_OK) == 0) {
          found.insert(path);
        }
      }
      place.resize(place.find('/') == std::string::npos ? 0 : place.rfind('/'));
    }
  }
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace cloister
