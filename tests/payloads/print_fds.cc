// print_fds: one line for each open descriptor: "NUMBER KIND ACCESS TARGET", e.g. "1 pipe write
// pipe:[1234]".
//
// Asks for each number instead of listing /proc/self/fd: the list would open one more, and what is
// open above the soft limit must show too.
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr int kHighest = 65536;

const char* KindOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFIFO:
      return "pipe";
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFCHR:
      return "device";
    case S_IFBLK:
      return "block";
    case S_IFSOCK:
      return "socket";
    default:
      return "other";
  }
}

const char* AccessOf(int flags) {
  if ((flags & O_PATH) != 0) return "path";
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      return "read";
    case O_WRONLY:
      return "write";
    default:
      return "both";
  }
}

}  // namespace

int main() {
  for (int fd = 0; fd < kHighest; ++fd) {
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0) continue;
    struct stat facts;
    if (fstat(fd, &facts) != 0) facts.st_mode = 0;
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    char target[PATH_MAX];
    const ssize_t size = readlink(link, target, sizeof(target) - 1);
    target[size < 0 ? 0 : size] = '\0';
    dprintf(STDOUT_FILENO, "%d %s %s %s\n", fd, KindOf(facts.st_mode), AccessOf(flags), target);
  }
  return 0;
}
