#include "tests/testing/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "libs/base/status_macros.h"
#include "libs/node/mountinfo.h"
#include "libs/state/layout.h"
#include "tools/cloister/dev_processes.h"

namespace cloister {
namespace {

using Findings = std::vector<std::string>;

// Empty when it cannot be read: the process is gone.
std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Names(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(directory, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<pid_t> AllPids() {
  std::vector<pid_t> pids;
  for (const std::string& name : Names("/proc")) {
    pid_t pid;
    if (absl::SimpleAtoi(name, &pid)) pids.push_back(pid);
  }
  return pids;
}

std::string Describe(pid_t pid) {
  const std::string command = absl::StrReplaceAll(ReadText(absl::StrCat("/proc/", pid, "/cmdline")),
                                                  {{std::string(1, '\0'), " "}});
  return absl::StrCat("process ", pid, " (", command.empty() ? "no command line" : command, ")");
}

bool IsAtOrBeneath(const std::string& path, const std::string& directory) {
  return path == directory || absl::StartsWith(path, absl::StrCat(directory, "/"));
}

// mountinfo's second-to-last words on a mount of one of our directories: the root of the bind mount
// ends with its path beneath the file system's own mount point, so a task directory is known by its
// last components.
bool MountsSeeTasks(const std::string& mountinfo, const DevLayout& layout) {
  const std::string base = layout.directory.substr(layout.directory.rfind('/'));
  for (absl::string_view line : absl::StrSplit(mountinfo, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    // Field 4 is the root within the file system (proc(5)):
    // ".../cluster-abc/node-1/tasks/<id>/local".
    if (fields.size() > 3 && absl::StrContains(fields[3], absl::StrCat(base, "/node-")) &&
        absl::StrContains(fields[3], absl::StrCat("/", state::kTasksDirectory, "/"))) {
      return true;
    }
  }
  return false;
}

void AddProcesses(const DevLayout& layout, const std::set<pid_t>& expected, Findings* findings) {
  for (const pid_t pid : AllPids()) {
    if (pid == getpid() || expected.count(pid) > 0) continue;
    const std::string proc = absl::StrCat("/proc/", pid);
    if (absl::StrContains(ReadText(absl::StrCat(proc, "/cgroup")),
                          absl::StrCat("/", layout.cgroup_parent, "/"))) {
      findings->push_back(absl::StrCat(Describe(pid), " is in the cluster's cgroups"));
    } else if (MountsSeeTasks(ReadText(absl::StrCat(proc, "/mountinfo")), layout)) {
      findings->push_back(absl::StrCat(Describe(pid), " sees a task's directory"));
    }
  }
}

void AddZombies(Findings* findings) {
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
    findings->push_back(absl::StrCat("child ", info.si_pid, " has ended and is not reaped"));
  }
}

absl::Status AddMounts(const DevLayout& layout, Findings* findings) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<node::MountEntry> mounts,
                            node::ParseMountInfo(ReadText("/proc/self/mountinfo")));
  for (const node::MountEntry& mount : mounts) {
    if (IsAtOrBeneath(mount.mount_point, layout.directory) ||
        IsAtOrBeneath(mount.mount_point, layout.run_directory)) {
      findings->push_back(absl::StrCat("mount on ", mount.mount_point));
    } else if (absl::StrContains(
                   mount.root,
                   absl::StrCat(layout.directory.substr(layout.directory.rfind('/')), "/node-"))) {
      findings->push_back(absl::StrCat("mount of ", mount.root, " on ", mount.mount_point));
    }
  }
  return absl::OkStatus();
}

// The cluster's directory in each cgroup hierarchy that has one.
absl::StatusOr<std::vector<std::string>> CgroupDirectories(const std::string& parent) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<node::MountEntry> mounts,
                            node::ParseMountInfo(ReadText("/proc/self/mountinfo")));
  std::vector<std::string> directories;
  for (const node::MountEntry& mount : mounts) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    const std::string path = absl::StrCat(mount.mount_point, "/", parent);
    if (access(path.c_str(), F_OK) == 0) directories.push_back(path);
  }
  return directories;
}

void AddSockets(const DevLayout& layout, Findings* findings) {
  for (absl::string_view line :
       absl::StrSplit(ReadText("/proc/net/unix"), '\n', absl::SkipEmpty())) {
    const size_t at = line.find(" /");
    if (at == absl::string_view::npos) continue;
    const std::string path(line.substr(at + 1));
    if (IsAtOrBeneath(path, layout.directory) || IsAtOrBeneath(path, layout.run_directory)) {
      findings->push_back(absl::StrCat("socket ", path));
    }
  }
}

void AddDirectories(const DevLayout& layout, Findings* findings) {
  std::vector<std::string> paths = {layout.record, layout.lock, layout.run_link,
                                    layout.run_directory};
  for (int number = 1; number <= kMaxDevNodes; ++number)
    paths.push_back(layout.Node(number).state_directory);
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  for (const std::string& path : paths) {
    struct stat facts;
    if (lstat(path.c_str(), &facts) == 0)
      findings->push_back(absl::StrCat(path, " is still there"));
  }
}

}  // namespace

absl::StatusOr<Findings> FindLeftovers(const DevLayout& layout) {
  Findings findings;
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<DevProcessFound> services,
                            FindDevProcesses(layout.directory));
  std::set<pid_t> named;
  for (const DevProcessFound& service : services) {
    findings.push_back(absl::StrCat(Describe(service.pid), " still runs"));
    named.insert(service.pid);
  }
  AddProcesses(layout, named, &findings);
  AddZombies(&findings);
  CLOISTER_RETURN_IF_ERROR(AddMounts(layout, &findings));
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> cgroups,
                            CgroupDirectories(layout.cgroup_parent));
  for (const std::string& path : cgroups) findings.push_back(absl::StrCat("cgroup ", path));
  AddSockets(layout, &findings);
  AddDirectories(layout, &findings);
  return findings;
}

absl::StatusOr<Findings> FindTaskLeftovers(const DevLayout& layout, int nodes) {
  Findings findings;
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<DevProcessFound> services,
                            FindDevProcesses(layout.directory));
  std::set<pid_t> expected;
  for (const DevProcessFound& service : services) expected.insert(service.pid);
  AddProcesses(layout, expected, &findings);
  CLOISTER_RETURN_IF_ERROR(AddMounts(layout, &findings));
  for (int number = 1; number <= nodes; ++number) {
    const DevNodeLayout node = layout.Node(number);
    const std::string tasks = absl::StrCat(node.state_directory, "/", state::kTasksDirectory);
    for (const std::string& name : Names(tasks))
      findings.push_back(absl::StrCat("task directory ", tasks, "/", name));
  }
  return findings;
}

}  // namespace cloister
