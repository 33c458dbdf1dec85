// print_mounts: /proc/self/mountinfo, every mount that the task sees.
#include <err.h>
#include <fcntl.h>
#include <unistd.h>

int main() {
  const int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (fd < 0) err(1, "/proc/self/mountinfo");
  char buffer[64 * 1024];
  ssize_t size;
  while ((size = read(fd, buffer, sizeof(buffer))) > 0) {
    if (write(STDOUT_FILENO, buffer, static_cast<size_t>(size)) != size) err(1, "write");
  }
  return size < 0 ? 1 : 0;
}
