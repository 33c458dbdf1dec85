// Out of the root, by paths, and out of what is read-only.
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/payloads/attack.h"

namespace cloister {
namespace attack {
namespace {

// More than any directory is deep.
std::string Upwards() {
  std::string path;
  for (int i = 0; i < 64; ++i) path += "/..";
  return path;
}

std::vector<std::string> WaysOut() {
  const std::string up = Upwards();
  std::vector<std::string> ways = {"",
                                   "." + up,
                                   "/local" + up,
                                   "/proc/self/root",
                                   "/proc/self/root" + up,
                                   "/proc/1/root",
                                   "/proc/1/cwd" + up,
                                   "/proc/self/cwd" + up,
                                   "/proc/thread-self/root" + up,
                                   "/dev/.empty" + up,
                                   "/dev/fd/0" + up};
  for (const char* process : {"self", "1"}) {
    for (int fd = 0; fd < 16; ++fd) {
      ways.push_back(std::string("/proc/") + process + "/fd/" + std::to_string(fd));
      ways.push_back(ways.back() + up);
    }
  }
  return ways;
}

bool Opens(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat status;
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    const int entry = openat(fd, "planted-by-a-task", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (entry >= 0) close(entry);
  }
  close(fd);
  return true;
}

int checked;

int TryToWrite(const char* path, const struct stat* status, int type, struct FTW*) {
  if (type != FTW_F || S_ISFIFO(status->st_mode)) return 0;
  ++checked;
  const int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return 0;
  close(fd);
  printf("open %s\n", path);
  return 0;
}

void Say(const char* name, long result) { printf("%s %d\n", name, result == 0 ? 0 : errno); }

}  // namespace

int Reach(int argc, char** argv) {
  int tried = 0;
  int reached = 0;
  for (int i = 0; i < argc; ++i) {
    for (const std::string& way : WaysOut()) {
      ++tried;
      if (!Opens(way + argv[i])) continue;
      ++reached;
      printf("by %s%s\n", way.c_str(), argv[i]);
    }
  }
  printf("tried %d\nreached %d\n", tried, reached);
  return 0;
}

int Writable(int argc, char** argv) {
  constexpr int kDescriptors = 32;
  for (int i = 0; i < argc; ++i) nftw(argv[i], TryToWrite, kDescriptors, FTW_PHYS | FTW_MOUNT);
  printf("checked %d\n", checked);
  return 0;
}

int Flip(int argc, char** argv) {
  if (argc != 3) errx(2, "usage: attack flip ONE OTHER STOP");
  constexpr long kBetweenLooks = 256;
  printf("flipping\n");
  fflush(stdout);
  long flips = 0;
  while (flips % kBetweenLooks != 0 || access(argv[2], F_OK) != 0) {
    if (renameat2(AT_FDCWD, argv[0], AT_FDCWD, argv[1], RENAME_EXCHANGE) != 0) err(111, "rename");
    ++flips;
    // Of few processors the one that is attacked needs one, too.
    sched_yield();
  }
  printf("flips %ld\n", flips);
  return 0;
}

int Mounts(int, char**) {
  const char* here = "/local";
  Say("tmpfs", mount("x", here, "tmpfs", 0, nullptr));
  Say("proc", mount("x", here, "proc", 0, nullptr));
  Say("sysfs", mount("x", here, "sysfs", 0, nullptr));
  Say("cgroup", mount("x", here, "cgroup", 0, "memory"));
  Say("cgroup2", mount("x", here, "cgroup2", 0, nullptr));
  Say("bind", mount("/", here, nullptr, MS_BIND, nullptr));
  Say("remount", mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr));
  Say("remount_proc_sys", mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr));
  Say("move", mount("/proc", here, nullptr, MS_MOVE, nullptr));
  Say("shared", mount(nullptr, "/", nullptr, MS_SHARED | MS_REC, nullptr));
  Say("unmask", umount2("/proc/keys", MNT_DETACH));
  Say("unmount_proc", umount2("/proc", MNT_DETACH));
  Say("unmount_root", umount2("/", MNT_DETACH));
  Say("pivot_root", syscall(SYS_pivot_root, ".", "."));
  Say("new_mounts", unshare(CLONE_NEWNS));
  Say("new_user", unshare(CLONE_NEWUSER));
  Say("new_cgroup", unshare(CLONE_NEWCGROUP));
  Say("new_pids", unshare(CLONE_NEWPID));
  Say("memory_node", mknod("/local/mem", S_IFCHR | 0666, makedev(1, 1)));
  Say("disk_node", mknod("/local/disk", S_IFBLK | 0666, makedev(8, 0)));
  return 0;
}

}  // namespace attack
}  // namespace cloister
