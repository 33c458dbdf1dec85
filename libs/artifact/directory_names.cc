#include "libs/artifact/directory_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { closedir(stream); }
};

}  // namespace

absl::StatusOr<std::vector<std::string>> DirectoryNames(int directory, uint64_t most) {
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd fd, OpenBeneath(directory, ".", O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, CloseDirectory> stream(fdopendir(fd.get()));
  if (stream == nullptr) return ErrnoStatus(errno, "the directory");
  (void)fd.Release();
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() >= most) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the directory holds more than ", most, " entries"));
    }
    names.push_back(std::move(name));
  }
  if (errno != 0) return ErrnoStatus(errno, "the directory");
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace cloister::artifact
