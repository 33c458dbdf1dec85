#include "libs/os/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"

namespace cloister {

absl::StatusOr<OwnedFd> OpenBeneath(int directory, const std::string& path, int flags,
                                    mode_t mode) {
  open_how how;
  std::memset(&how, 0, sizeof(how));
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  int fd;
  do {
    fd = static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof(how)));
    // EAGAIN: a rename raced with the walk; the kernel asks to try again.
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("'", path, "'"));
  return OwnedFd(fd);
}

absl::StatusOr<OwnedFd> OpenDirectory(const std::string& path) {
  OwnedFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("'", path, "'"));
  return fd;
}

absl::StatusOr<OwnedFd> MakeDirectory(int directory, const std::string& name, mode_t mode,
                                      uid_t uid, gid_t gid) {
  if (mkdirat(directory, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, absl::StrCat("'", name, "'"));
  }
  absl::StatusOr<OwnedFd> fd = OpenBeneath(directory, name, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return fd;
  // Owner first: chown clears set-id bits, and a mode wider than 0700 must not be seen with the
  // wrong owner.
  if ((uid != 0 || gid != 0) && fchown(fd->get(), uid, gid) != 0)
    return ErrnoStatus(errno, absl::StrCat("'", name, "'"));
  if (mode != 0700 && fchmod(fd->get(), mode) != 0)
    return ErrnoStatus(errno, absl::StrCat("'", name, "'"));
  return fd;
}

}  // namespace cloister
