#include "tests/bench/leftovers.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/node/mountinfo.h"

namespace cloister::bench {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::StatusOr<std::vector<node::MountEntry>> Mounts() {
  return node::ParseMountInfo(ReadAll("/proc/self/mountinfo"));
}

bool IsCgroup(const node::MountEntry& entry) {
  return entry.type == "cgroup" || entry.type == "cgroup2";
}

bool Exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

// Deepest first; a cgroup's files go with its directory.
void RemoveCgroup(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.is_directory(error)) RemoveCgroup(entry.path());
  }
  rmdir(path.c_str());
}

void FindProcesses(const std::string& directory, std::vector<std::string>* found) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid) || pid == getpid()) continue;
    const std::string command = ReadAll(entry.path() / "cmdline");
    if (!absl::StrContains(command, directory)) continue;
    found->push_back(absl::StrCat("process ", pid, ": ",
                                  absl::StrReplaceAll(command, {{std::string(1, '\0'), " "}})));
  }
}

}  // namespace

void RemoveCgroups(const std::string& parent) {
  const absl::StatusOr<std::vector<node::MountEntry>> mounts = Mounts();
  if (!mounts.ok()) return;
  for (const node::MountEntry& entry : *mounts) {
    const std::string path = absl::StrCat(entry.mount_point, "/", parent);
    if (IsCgroup(entry) && Exists(path)) RemoveCgroup(path);
  }
}

absl::StatusOr<std::vector<std::string>> FindLeftovers(const std::string& directory,
                                                       const std::vector<std::string>& parents) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<node::MountEntry> mounts, Mounts());
  std::vector<std::string> found;
  for (const node::MountEntry& entry : mounts) {
    if (IsBeneath(entry.mount_point, directory)) {
      found.push_back(absl::StrCat("mount ", entry.mount_point));
    }
    for (const std::string& parent : parents) {
      const std::string path = absl::StrCat(entry.mount_point, "/", parent);
      if (IsCgroup(entry) && Exists(path)) found.push_back(absl::StrCat("cgroup ", path));
    }
  }
  FindProcesses(directory, &found);
  return found;
}

}  // namespace cloister::bench
