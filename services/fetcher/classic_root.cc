#include "services/fetcher/classic_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <string>

namespace cloister::fetcher {
namespace {

int ErrorOf(long result) { return result < 0 ? errno : 0; }

// The node's /proc, as long as its tree is there.
std::string LinkTo(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

std::string PathAt(int directory, const char* name) { return LinkTo(directory) + "/" + name; }

int Bind(const std::string& source, const std::string& place) {
  return ErrorOf(mount(source.c_str(), place.c_str(), nullptr, MS_BIND, nullptr));
}

// With MS_REMOUNT what is not said is gone, and what a user namespace may not take away is refused.
unsigned long FlagsOf(unsigned long statvfs_flags) {
  constexpr unsigned long kFlags[][2] = {{ST_RDONLY, MS_RDONLY},    {ST_NOSUID, MS_NOSUID},
                                         {ST_NODEV, MS_NODEV},      {ST_NOEXEC, MS_NOEXEC},
                                         {ST_NOATIME, MS_NOATIME},  {ST_NODIRATIME, MS_NODIRATIME},
                                         {ST_RELATIME, MS_RELATIME}};
  unsigned long flags = 0;
  for (const auto& flag : kFlags) {
    if ((statvfs_flags & flag[0]) != 0) flags |= flag[1];
  }
  return (flags & (MS_NOATIME | MS_RELATIME)) == 0 ? flags | MS_STRICTATIME : flags;
}

}  // namespace

int ReopenHere(int fd) {
  char path[PATH_MAX];
  const ssize_t size = readlink(LinkTo(fd).c_str(), path, sizeof(path) - 1);
  if (size < 0) return errno;
  path[size] = '\0';
  open_how how = {};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const int here = static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
  if (here < 0) return errno;
  struct stat wanted;
  struct stat found;
  int error = ErrorOf(fstat(fd, &wanted));
  if (error == 0) error = ErrorOf(fstat(here, &found));
  if (error == 0 && (wanted.st_dev != found.st_dev || wanted.st_ino != found.st_ino)) {
    error = ESTALE;
  }
  if (error == 0) error = ErrorOf(dup3(here, fd, O_CLOEXEC));
  close(here);
  return error;
}

int MakeClassicRoot(int* root) {
  if (mount("tmpfs", "/", "tmpfs", 0, "size=64k,nr_inodes=32,mode=0755") != 0) return errno;
  // "/" goes on leading to what is beneath it; a step up from there, to the top.
  *root = open("/..", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return ErrorOf(*root);
}

int BindAt(const char* source, int directory, const char* name) {
  return Bind(source, PathAt(directory, name));
}

int BindAt(int source, int directory, const char* name) {
  return Bind(LinkTo(source), PathAt(directory, name));
}

int AddMountFlags(const char* path, unsigned long flags) {
  struct statvfs facts;
  if (statvfs(path, &facts) != 0) return errno;
  return ErrorOf(
      mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | FlagsOf(facts.f_flag) | flags, nullptr));
}

int AddMountFlagsAt(int directory, const char* name, unsigned long flags) {
  return AddMountFlags(PathAt(directory, name).c_str(), flags);
}

}  // namespace cloister::fetcher
