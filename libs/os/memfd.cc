#include "libs/os/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"

namespace cloister {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

absl::StatusOr<OwnedFd> MakeSealedMemfd(const char* name, absl::string_view contents,
                                        unsigned mode) {
  OwnedFd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return ErrnoStatus(errno, "memfd_create");
  size_t written = 0;
  while (written < contents.size()) {
    const ssize_t size = write(fd.get(), contents.data() + written, contents.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return ErrnoStatus(errno, absl::StrCat("memfd '", name, "'"));
    written += static_cast<size_t>(size);
  }
  if (fchmod(fd.get(), mode) != 0)
    return ErrnoStatus(errno, absl::StrCat("memfd '", name, "' mode"));
  if (fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0)
    return ErrnoStatus(errno, absl::StrCat("memfd '", name, "' seals"));
  return fd;
}

absl::StatusOr<std::string> ReadSealedMemfd(int fd, size_t max_bytes) {
  constexpr int kNeeded = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kNeeded) != kNeeded)
    return absl::FailedPreconditionError("memfd is not sealed");
  struct stat facts;
  if (fstat(fd, &facts) != 0) return ErrnoStatus(errno, "memfd");
  if (static_cast<size_t>(facts.st_size) > max_bytes) {
    return absl::OutOfRangeError(
        absl::StrCat("memfd of ", facts.st_size, " bytes: over ", max_bytes));
  }
  std::string contents(static_cast<size_t>(facts.st_size), '\0');
  size_t done = 0;
  while (done < contents.size()) {
    const ssize_t size =
        pread(fd, &contents[done], contents.size() - done, static_cast<off_t>(done));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return ErrnoStatus(size < 0 ? errno : EIO, "memfd");
    done += static_cast<size_t>(size);
  }
  return contents;
}

}  // namespace cloister
