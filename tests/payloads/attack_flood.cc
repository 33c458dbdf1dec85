// As much of everything as the kernel gives.
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "tests/payloads/attack.h"

namespace cloister {
namespace attack {
namespace {

// The n-th of its kind; false and errno when there are no more to be had.
using TakeOne = bool (*)(const std::string& directory, long n);

bool Process(const std::string&, long) {
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  return child > 0;
}

// Never waited for.
bool Zombie(const std::string&, long) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return child > 0;
}

void* Wait(void*) {
  for (;;) pause();
}

bool Thread(const std::string&, long) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 16384);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, Wait, nullptr);
  pthread_attr_destroy(&attributes);
  errno = error;
  return error == 0;
}

bool Descriptor(const std::string&, long) { return open("/dev/null", O_RDONLY) >= 0; }

// As many processes as there may be, each with all the descriptors that one may have; counted when
// it has them.
bool Holder(const std::string&, long) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    while (open("/dev/null", O_RDONLY) >= 0) {
    }
    close(ends[1]);
    for (;;) pause();
  }
  const int error = errno;
  close(ends[1]);
  char byte;
  if (child > 0) (void)!read(ends[0], &byte, 1);
  close(ends[0]);
  errno = error;
  return child > 0;
}

bool Inode(const std::string& directory, long n) {
  const int fd = open((directory + "/" + std::to_string(n)).c_str(), O_CREAT | O_WRONLY, 0600);
  if (fd < 0) return false;
  close(fd);
  return true;
}

// Each a mebibyte.
bool Bytes(const std::string& directory, long) {
  static const std::string piece(1 << 20, 'x');
  static const int fd = open((directory + "/bytes").c_str(), O_CREAT | O_WRONLY, 0600);
  return fd >= 0 && write(fd, piece.data(), piece.size()) == static_cast<ssize_t>(piece.size());
}

bool FilledPipe(const std::string&, long) {
  static const std::string piece(65536, 'x');
  int ends[2];
  // A user's later ones hold less.
  return pipe2(ends, O_NONBLOCK) == 0 && write(ends[1], piece.data(), piece.size()) > 0;
}

bool SocketPair(const std::string&, long) {
  int ends[2];
  return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
}

bool Epoll(const std::string&, long) { return epoll_create1(0) >= 0; }

bool Inotify(const std::string&, long) { return inotify_init1(0) >= 0; }

bool Queue(const std::string&, long n) {
  return mq_open(("/" + std::to_string(n)).c_str(), O_CREAT | O_RDWR, 0600, nullptr) >= 0;
}

bool SharedMemory(const std::string&, long) { return shmget(IPC_PRIVATE, 1 << 20, 0600) >= 0; }

constexpr struct {
  const char* name;
  TakeOne take;
} kKinds[] = {
    {"processes", Process},      {"zombies", Zombie},     {"threads", Thread},
    {"descriptors", Descriptor}, {"inodes", Inode},       {"bytes", Bytes},
    {"pipes", FilledPipe},       {"sockets", SocketPair}, {"epolls", Epoll},
    {"inotifies", Inotify},      {"queues", Queue},       {"shared_memory", SharedMemory},
    {"holders", Holder},
};

}  // namespace

int Flood(int argc, char** argv) {
  if (argc < 2) errx(2, "usage: attack flood KIND MOST [DIRECTORY]");
  // All that it may have.
  rlimit descriptors;
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  const std::string directory = argc > 2 ? argv[2] : "/tmp";
  const long most = atol(argv[1]);
  for (const auto& kind : kKinds) {
    if (strcmp(kind.name, argv[0]) != 0) continue;
    long n = 0;
    while (n < most && kind.take(directory, n)) ++n;
    printf("%s %ld %s\n", kind.name, n, n == most ? "UNLIMITED" : strerrorname_np(errno));
    fflush(stdout);
    for (;;) pause();
  }
  errx(2, "%s: no such kind", argv[0]);
}

}  // namespace attack
}  // namespace cloister
