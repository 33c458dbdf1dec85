#include "libs/cgroup/child_cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"

namespace cloister::cgroup {

absl::StatusOr<std::vector<std::string>> ListChildCgroups(int directory, absl::string_view shown) {
  OwnedFd fd(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, shown);
  DIR* const stream = fdopendir(fd.get());
  if (stream == nullptr) return ErrnoStatus(errno, shown);
  (void)fd.Release();
  const absl::Cleanup close = [stream] { closedir(stream); };
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(stream);
    if (entry == nullptr && errno != 0) return ErrnoStatus(errno, shown);
    if (entry == nullptr) break;
    const absl::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace cloister::cgroup
