// receive_directory SOCKET: takes a directory's descriptor from whoever listens there, then prints
// the errno of listing it, of reading `file` in it and of making `made` in it; 0 for what went
// through.
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

int Receive(int socket) {
  char byte;
  iovec piece = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (recvmsg(socket, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == nullptr) err(1, "recvmsg");
  int fd;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
  return fd;
}

int ErrorOfOpening(int directory, const char* name, int flags) {
  const int fd = openat(directory, name, flags, 0600);
  const int error = fd < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  return error;
}

}  // namespace

int main(int argc, char** argv) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) errx(2, "SOCKET");
  memcpy(address.sun_path, argv[1], strlen(argv[1]));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) err(1, "connect");
  const int directory = Receive(fd);
  printf("list %d\n", ErrorOfOpening(directory, ".", O_RDONLY | O_DIRECTORY));
  printf("read %d\n", ErrorOfOpening(directory, "file", O_RDONLY));
  printf("make %d\n", ErrorOfOpening(directory, "made", O_WRONLY | O_CREAT));
  return 0;
}
