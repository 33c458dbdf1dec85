#include "tools/cloister/dev_binaries.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/errno_status.h"

namespace cloister {
namespace {

DevBinaries FlatIn(const std::string& directory) {
  return {
      absl::StrCat(directory, "/cloister-frontend"), absl::StrCat(directory, "/cloister-executor"),
      absl::StrCat(directory, "/cloister-launcher"), absl::StrCat(directory, "/cloister-fetcher")};
}

DevBinaries BuiltIn(const std::string& root) {
  return {absl::StrCat(root, "/services/frontend/cloister-frontend"),
          absl::StrCat(root, "/services/executor/cloister-executor"),
          absl::StrCat(root, "/services/launcher/cloister-launcher"),
          absl::StrCat(root, "/services/fetcher/cloister-fetcher")};
}

// The first of them that cannot be executed; empty when all can.
std::string MissingOf(const DevBinaries& binaries) {
  for (const std::string* path :
       {&binaries.frontend, &binaries.executor, &binaries.launcher, &binaries.fetcher}) {
    if (access(path->c_str(), X_OK) != 0) return *path;
  }
  return "";
}

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

absl::StatusOr<DevBinaries> FindDevBinaries(const std::string& bin_dir, const std::string& self) {
  std::vector<DevBinaries> places;
  if (!bin_dir.empty()) {
    places = {FlatIn(bin_dir), BuiltIn(bin_dir)};
  } else {
    const std::string own = Parent(self);
    places = {FlatIn(own), BuiltIn(Parent(Parent(own))),
              FlatIn(absl::StrCat(Parent(own), "/libexec/cloister"))};
  }
  std::vector<std::string> missing;
  for (const DevBinaries& place : places) {
    missing.push_back(MissingOf(place));
    if (missing.back().empty()) return place;
  }
  return absl::NotFoundError(
      absl::StrCat("the services' programs are not here: no ", absl::StrJoin(missing, ", no ")));
}

absl::StatusOr<std::string> PathOfSelf() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  if (size < 0) return ErrnoStatus(errno, "/proc/self/exe");
  return std::string(path, static_cast<size_t>(size));
}

}  // namespace cloister
