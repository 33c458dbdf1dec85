#include "tests/rootless/delegated_scope.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace cloister {
namespace {

constexpr char kRoot[] = "/sys/fs/cgroup";

bool Write(const std::string& file, const std::string& text) {
  std::ofstream stream(file);
  stream << text << std::flush;
  return stream.good();
}

// False where this machine has no such cgroups.
bool Make(const std::string& scope, uint32_t id) {
  const std::string all = "+cpu +memory +pids";
  if (access(absl::StrCat(kRoot, "/cgroup.controllers").c_str(), R_OK) != 0 ||
      !Write(absl::StrCat(kRoot, "/cgroup.subtree_control"), all)) {
    return false;
  }
  const std::string ours = scope + "/test";
  if (mkdir(scope.c_str(), 0755) != 0 || !Write(scope + "/cgroup.subtree_control", all) ||
      mkdir(ours.c_str(), 0755) != 0 || !Write(ours + "/cgroup.procs", "0")) {
    return false;
  }
  for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads",
                           "/test", "/test/cgroup.procs"}) {
    if (chown((scope + file).c_str(), id, id) != 0) return false;
  }
  return true;
}

}  // namespace

DelegatedScope::DelegatedScope(uint32_t id) {
  if (getenv("CLOISTER_TEST_GUEST") == nullptr || geteuid() != 0) return;
  const std::string scope = absl::StrCat(kRoot, "/delegated-", getpid());
  if (Make(scope, id)) path_ = scope;
}

std::vector<std::string> DelegatedScope::Children(const std::string& beneath) const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_ + beneath)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace cloister
