#include "libs/base/owned_fd.h"

#include <unistd.h>

#include <cassert>
#include <cerrno>

namespace cloister {

void OwnedFd::reset(int fd) {
  assert(fd < 0 || fd != fd_);
  const int old = std::exchange(fd_, fd < 0 ? -1 : fd);
  if (old < 0) return;
  const int saved_errno = errno;
  // Not repeated on EINTR: Linux has freed the number by then, another thread may own it
  // (close(2)).
  [[maybe_unused]] const int closed = close(old);
  // EBADF: somebody closed a descriptor that was ours. The next time it could be a stranger's.
  assert(closed == 0 || errno != EBADF);
  errno = saved_errno;
}

}  // namespace cloister
