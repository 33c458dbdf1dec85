// What processes share without being related: made by one task, looked for by another.
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "tests/payloads/attack.h"

namespace cloister {
namespace attack {
namespace {

constexpr mode_t kOpenToAll = 0666;
constexpr size_t kBytes = 4096;
constexpr char kSecret[] = "secret";

void Say(const char* name, bool got) { printf("%s %d\n", name, got ? 0 : errno); }

void MakeFile(const std::string& path) {
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, kOpenToAll);
  if (fd < 0 || write(fd, kSecret, sizeof(kSecret)) < 0) err(111, "%s", path.c_str());
  close(fd);
}

socklen_t Abstract(const char* name, sockaddr_un* address) {
  *address = {};
  address->sun_family = AF_UNIX;
  const size_t size = strnlen(name, sizeof(address->sun_path) - 2);
  memcpy(address->sun_path + 1, name, size);
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size);
}

}  // namespace

int IpcHold(int argc, char** argv) {
  if (argc != 2) errx(2, "usage: attack ipc-hold KEY NAME");
  umask(0);
  const key_t key = atoi(argv[0]);
  const std::string name = argv[1];
  const int shared = shmget(key, kBytes, IPC_CREAT | kOpenToAll);
  if (shared < 0) err(111, "shmget");
  memcpy(shmat(shared, nullptr, 0), kSecret, sizeof(kSecret));
  if (msgget(key, IPC_CREAT | kOpenToAll) < 0) err(111, "msgget");
  if (semget(key, 1, IPC_CREAT | kOpenToAll) < 0) err(111, "semget");
  if (mq_open(("/" + name).c_str(), O_CREAT | O_RDWR, kOpenToAll, nullptr) < 0) err(111, "mq_open");
  for (const char* directory : {"/dev/shm/", "/tmp/", "/local/", "/alloc/data/"}) {
    MakeFile(directory + name);
  }
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address;
  const socklen_t size = Abstract(argv[1], &address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 8) != 0) {
    err(111, "abstract socket");
  }
  printf("ready\n");
  fflush(stdout);
  for (;;) pause();
}

int Ipc(int argc, char** argv) {
  if (argc != 2) errx(2, "usage: attack ipc KEY NAME");
  const key_t key = atoi(argv[0]);
  const std::string name = argv[1];
  Say("sysv_memory", shmget(key, 0, 0) >= 0);
  Say("sysv_queue", msgget(key, 0) >= 0);
  Say("sysv_semaphore", semget(key, 0, 0) >= 0);
  Say("posix_queue", mq_open(("/" + name).c_str(), O_RDONLY) >= 0);
  Say("posix_memory", open(("/dev/shm/" + name).c_str(), O_RDONLY) >= 0);
  Say("tmp_file", open(("/tmp/" + name).c_str(), O_RDONLY) >= 0);
  Say("local_file", open(("/local/" + name).c_str(), O_RDONLY) >= 0);
  Say("alloc_file", open(("/alloc/data/" + name).c_str(), O_RDONLY) >= 0);
  sockaddr_un address;
  const socklen_t size = Abstract(argv[1], &address);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Say("abstract_socket", connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  return 0;
}

}  // namespace attack
}  // namespace cloister
