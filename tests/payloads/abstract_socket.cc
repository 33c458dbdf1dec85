// abstract_socket listen NAME: listens on a unix socket of the abstract namespace, says so and
// waits. abstract_socket connect NAME: prints the errno of connecting to it, 0 if it did.
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>

int main(int argc, char** argv) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (argc != 3 || strlen(argv[2]) + 2 > sizeof(address.sun_path)) errx(2, "listen|connect NAME");
  memcpy(address.sun_path + 1, argv[2], strlen(argv[2]));
  const socklen_t size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + strlen(argv[2]));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) err(1, "socket");
  if (strcmp(argv[1], "connect") == 0) {
    const int result = connect(fd, reinterpret_cast<sockaddr*>(&address), size);
    printf("%d\n", result == 0 ? 0 : errno);
    return 0;
  }
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 8) != 0) {
    err(1, "listen");
  }
  printf("listening\n");
  fflush(stdout);
  for (;;) pause();
}
