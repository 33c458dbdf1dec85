// Opens beneath a directory that the caller holds, never through a link: root touches only what the
// task cannot rename. Removes "follow the symlink" attacks as a class (CVE-2022-24683,
// CVE-2024-1329, CVE-2026-6959). Source: openat2(2).
#ifndef CLOISTER_LIBS_OS_DIRECTORY_H_
#define CLOISTER_LIBS_OS_DIRECTORY_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister {

// openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS; O_CLOEXEC is added.
// `mode` counts with O_CREAT only. Errors name `path`.
absl::StatusOr<OwnedFd> OpenBeneath(int directory, const std::string& path, int flags,
                                    mode_t mode = 0);

// An O_PATH directory descriptor for a path of the operator's (not of a task's): links in it are
// followed.
absl::StatusOr<OwnedFd> OpenDirectory(const std::string& path);

// Makes directory `name` (a single component) in `directory` unless it is there, opens it, and sets
// owner and mode on the opened descriptor. An existing non-directory is an error.
absl::StatusOr<OwnedFd> MakeDirectory(int directory, const std::string& name, mode_t mode,
                                      uid_t uid, gid_t gid);

}  // namespace cloister

#endif  // CLOISTER_LIBS_OS_DIRECTORY_H_
