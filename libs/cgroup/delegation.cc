#include "libs/cgroup/delegation.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace cloister::cgroup {

bool MayDivide(const std::string& path) {
  for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control"}) {
    if (access(absl::StrCat(path, file).c_str(), W_OK) != 0) return false;
  }
  return true;
}

}  // namespace cloister::cgroup
