#include "libs/node/read_cgroup_facts.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/node/mountinfo.h"

namespace cloister::node {
namespace {

// What /proc/cgroups can list; other super options (rw, name=, release_agent=, xattr, ...) are no
// controllers.
constexpr absl::string_view kControllers[] = {
    "blkio", "cpu",     "cpuacct",  "cpuset",     "devices", "freezer", "hugetlb", "memory",
    "misc",  "net_cls", "net_prio", "perf_event", "pids",    "rdma",    "debug"};

bool IsController(absl::string_view name) {
  return std::find(std::begin(kControllers), std::end(kControllers), name) !=
         std::end(kControllers);
}

bool Carries(const CgroupHierarchy& hierarchy, absl::string_view controller) {
  return std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), controller) !=
         hierarchy.controllers.end();
}

// By controller, and under "" for v2: this process's cgroup. Lines are "ID:CONTROLLER,...:PATH".
absl::StatusOr<std::map<std::string, std::string>> ParseOwnCgroups(absl::string_view text) {
  std::map<std::string, std::string> own;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) {
      return absl::InvalidArgumentError(
          absl::StrCat("/proc/self/cgroup: not a hierarchy: '", line, "'"));
    }
    for (absl::string_view controller : absl::StrSplit(parts[1], ',')) {
      own[std::string(controller)] = parts[2];
    }
  }
  return own;
}

// The mount shows the hierarchy from `root` on.
std::string BeneathMount(absl::string_view own, absl::string_view root) {
  // Outside of this cgroup namespace or of what is mounted: there is no path to it here.
  if (absl::StartsWith(own, "/..") || !IsBeneath(own, root)) return "";
  absl::string_view rest = own;
  if (root != "/") rest.remove_prefix(root.size());
  while (absl::ConsumePrefix(&rest, "/")) {
  }
  return std::string(rest);
}

// The same hierarchy may be mounted twice, as in a container that sees a read-only copy.
void AddHierarchy(CgroupHierarchy hierarchy, std::vector<CgroupHierarchy>* hierarchies) {
  for (CgroupHierarchy& known : *hierarchies) {
    if (known.unified != hierarchy.unified || known.controllers != hierarchy.controllers) continue;
    if (hierarchy.writable && !known.writable) known = std::move(hierarchy);
    return;
  }
  hierarchies->push_back(std::move(hierarchy));
}

// cgroup.controllers of the cgroup at the mount point: what it can give to cgroups beneath it.
absl::StatusOr<std::vector<std::string>> ReadUnifiedControllers(const HostRoot& root,
                                                                const std::string& mount_point) {
  CLOISTER_ASSIGN_OR_RETURN(std::string line, root.ReadLine(mount_point + "/cgroup.controllers"));
  std::vector<std::string> controllers = absl::StrSplit(line, ' ', absl::SkipEmpty());
  std::sort(controllers.begin(), controllers.end());
  return controllers;
}

bool CanLimitSwap(const HostRoot& root, const std::vector<CgroupHierarchy>& hierarchies) {
  for (const CgroupHierarchy& hierarchy : hierarchies) {
    if (!Carries(hierarchy, "memory")) continue;
    // v2's memory.swap.max is not there in a root cgroup; it depends on the kernel's swap support
    // alone, as /proc/swaps.
    return root.Exists(hierarchy.unified ? "/proc/swaps"
                                         : hierarchy.mount_point + "/memory.memsw.limit_in_bytes");
  }
  return false;
}

}  // namespace

CgroupLayout LayoutOf(const std::vector<CgroupHierarchy>& hierarchies) {
  bool v1 = false;
  bool v2 = false;
  bool v2_useful = false;
  for (const CgroupHierarchy& hierarchy : hierarchies) {
    bool useful = false;
    for (absl::string_view controller : {"cpu", "memory", "pids"}) {
      useful = useful || Carries(hierarchy, controller);
    }
    if (hierarchy.unified) {
      v2 = true;
      v2_useful = useful;
    } else {
      v1 = v1 || useful;
    }
  }
  if (v1) return v2 ? CgroupLayout::kHybrid : CgroupLayout::kV1;
  return v2_useful ? CgroupLayout::kV2 : CgroupLayout::kNone;
}

absl::StatusOr<CgroupFacts> ParseCgroupFacts(absl::string_view mountinfo,
                                             absl::string_view cgroup) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<MountEntry> mounts, ParseMountInfo(mountinfo));
  CLOISTER_ASSIGN_OR_RETURN(const auto own, ParseOwnCgroups(cgroup));
  CgroupFacts facts;
  for (const MountEntry& mount : ReachableMounts(mounts)) {
    CgroupHierarchy hierarchy;
    hierarchy.unified = mount.type == "cgroup2";
    if (!hierarchy.unified && mount.type != "cgroup") continue;
    if (!hierarchy.unified) {
      for (const std::string& option : mount.super_options) {
        if (IsController(option)) hierarchy.controllers.push_back(option);
      }
      if (hierarchy.controllers.empty()) continue;
      std::sort(hierarchy.controllers.begin(), hierarchy.controllers.end());
    }
    hierarchy.mount_point = mount.mount_point;
    hierarchy.writable = !mount.read_only;
    const auto where = own.find(hierarchy.unified ? "" : hierarchy.controllers.front());
    if (where != own.end()) hierarchy.own_path = BeneathMount(where->second, mount.root);
    AddHierarchy(std::move(hierarchy), &facts.hierarchies);
  }
  std::sort(facts.hierarchies.begin(), facts.hierarchies.end(),
            [](const CgroupHierarchy& a, const CgroupHierarchy& b) {
              return a.mount_point < b.mount_point;
            });
  facts.layout = LayoutOf(facts.hierarchies);
  return facts;
}

absl::StatusOr<CgroupFacts> ReadCgroupFacts(const HostRoot& root) {
  CLOISTER_ASSIGN_OR_RETURN(const std::string mountinfo, root.ReadText("/proc/self/mountinfo"));
  CLOISTER_ASSIGN_OR_RETURN(const std::string cgroup, root.ReadText("/proc/self/cgroup"));
  CLOISTER_ASSIGN_OR_RETURN(CgroupFacts facts, ParseCgroupFacts(mountinfo, cgroup));
  for (CgroupHierarchy& hierarchy : facts.hierarchies) {
    hierarchy.writable = hierarchy.writable && root.IsWritable(hierarchy.mount_point);
    if (!hierarchy.unified) continue;
    CLOISTER_ASSIGN_OR_RETURN(hierarchy.controllers,
                              ReadUnifiedControllers(root, hierarchy.mount_point));
  }
  facts.layout = LayoutOf(facts.hierarchies);
  facts.swap_limit = CanLimitSwap(root, facts.hierarchies);
  return facts;
}

}  // namespace cloister::node
