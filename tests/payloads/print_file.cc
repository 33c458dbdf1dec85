// print_file PATH...: writes the files' bytes to stdout; the first that cannot be read is named
// with the reason on stderr, and the exit code is its errno.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

namespace {

int Print(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  char buffer[64 * 1024];
  ssize_t size;
  while ((size = read(fd, buffer, sizeof(buffer))) > 0) {
    if (write(STDOUT_FILENO, buffer, static_cast<size_t>(size)) != size) return errno;
  }
  const int error = size < 0 ? errno : 0;
  close(fd);
  return error;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const int error = Print(argv[i]);
    if (error == 0) continue;
    fprintf(stderr, "%s: %s\n", argv[i], strerrorname_np(error));
    return error;
  }
  return 0;
}
