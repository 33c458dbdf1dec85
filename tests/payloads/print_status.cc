// print_status: /proc/self/status, the kernel's own view of ids, groups, capabilities, seccomp and
// no_new_privs.
#include <err.h>
#include <fcntl.h>
#include <unistd.h>

int main() {
  const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) err(1, "/proc/self/status");
  char buffer[16 * 1024];
  ssize_t size;
  while ((size = read(fd, buffer, sizeof(buffer))) > 0) {
    if (write(STDOUT_FILENO, buffer, static_cast<size_t>(size)) != size) err(1, "write");
  }
  return size < 0 ? 1 : 0;
}
