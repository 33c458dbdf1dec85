#include "libs/launch/classic_binder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/launch/mount_points.h"

namespace cloister {
namespace launch {
namespace {

// Beneath /proc, which is the working directory, as a path to it may be covered by now.
std::string LinkTo(int fd) { return absl::StrCat("thread-self/fd/", fd); }

// Those of a mount, as mount(2) wants them: with MS_REMOUNT what is not said is gone.
unsigned long FlagsOf(unsigned long statvfs_flags) {
  constexpr struct {
    unsigned long statvfs;
    unsigned long mount;
  } kFlags[] = {{ST_RDONLY, MS_RDONLY},    {ST_NOSUID, MS_NOSUID},   {ST_NODEV, MS_NODEV},
                {ST_NOEXEC, MS_NOEXEC},    {ST_NOATIME, MS_NOATIME}, {ST_NODIRATIME, MS_NODIRATIME},
                {ST_RELATIME, MS_RELATIME}};
  unsigned long flags = 0;
  for (const auto& flag : kFlags) {
    if ((statvfs_flags & flag.statvfs) != 0) flags |= flag.mount;
  }
  return (flags & (MS_NOATIME | MS_RELATIME)) == 0 ? flags | MS_STRICTATIME : flags;
}

absl::Status SetFlags(const std::string& point, BindFlags flags) {
  struct statvfs facts;
  if (statvfs(point.c_str(), &facts) != 0) return ErrnoStatus(errno, point);
  const unsigned long wanted = (FlagsOf(facts.f_flag) | flags.set) & ~flags.clear;
  if (mount(nullptr, point.c_str(), nullptr, MS_REMOUNT | MS_BIND | wanted, nullptr) != 0) {
    return ErrnoStatus(errno, absl::StrCat("flags of '", point, "'"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ClassicSource> DescribeSource(int fd) {
  char path[PATH_MAX];
  const ssize_t size = readlink(absl::StrCat("/proc/self/fd/", fd).c_str(), path, sizeof(path));
  struct stat facts;
  if (size < 0 || fstat(fd, &facts) != 0) return ErrnoStatus(errno, "source of a mount");
  ClassicSource source;
  source.path.assign(path, static_cast<size_t>(size));
  source.device = facts.st_dev;
  source.inode = facts.st_ino;
  source.directory = S_ISDIR(facts.st_mode);
  return source;
}

absl::StatusOr<std::unique_ptr<ClassicBinder>> ClassicBinder::Make(int mountinfo) {
  OwnedFd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!proc.valid() || fchdir(proc.get()) != 0) return ErrnoStatus(errno, "/proc");
  return std::unique_ptr<ClassicBinder>(new ClassicBinder(std::move(proc), mountinfo));
}

absl::StatusOr<OwnedFd> ClassicBinder::Open(const ClassicSource& source) const {
  open_how how;
  std::memset(&how, 0, sizeof(how));
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  OwnedFd fd(
      static_cast<int>(syscall(SYS_openat2, AT_FDCWD, source.path.c_str(), &how, sizeof(how))));
  struct stat facts;
  if (!fd.valid() || fstat(fd.get(), &facts) != 0) return ErrnoStatus(errno, source.path);
  if (facts.st_dev != source.device || facts.st_ino != source.inode) {
    return ErrnoStatus(ESTALE, absl::StrCat("'", source.path, "' has changed meanwhile"));
  }
  return fd;
}

absl::Status ClassicBinder::Bind(int source, const std::string& target, bool recursive, bool slave,
                                 BindFlags flags) const {
  const unsigned long all = recursive ? MS_REC : 0;
  if (fchdir(proc_.get()) != 0) return ErrnoStatus(errno, "/proc");
  if (mount(LinkTo(source).c_str(), target.c_str(), nullptr, MS_BIND | all, nullptr) != 0) {
    return ErrnoStatus(errno, absl::StrCat("bind on '", target, "'"));
  }
  // The namespace follows the node's mounts already.
  if (!slave && mount(nullptr, target.c_str(), nullptr, MS_PRIVATE | MS_REC, nullptr) != 0) {
    return ErrnoStatus(errno, absl::StrCat("private '", target, "'"));
  }
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> points, MountPoints(mountinfo_));
  for (const std::string& point : points) {
    if (IsBeneath(point, target)) CLOISTER_RETURN_IF_ERROR(SetFlags(point, flags));
  }
  return absl::OkStatus();
}

absl::Status ClassicBinder::Stage(const std::vector<ClassicSource>& sources,
                                  const std::vector<OwnedFd>& opened,
                                  const std::string& stage) const {
  if (mount("tmpfs", stage.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "mode=755,size=64k") != 0) {
    return ErrnoStatus(errno, "tmpfs for the task's mounts");
  }
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::string place = absl::StrCat(stage, "/", i);
    const bool made =
        sources[i].directory
            ? mkdir(place.c_str(), 0755) == 0
            : OwnedFd(open(place.c_str(), O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0444)).valid();
    if (!made) return ErrnoStatus(errno, place);
    CLOISTER_RETURN_IF_ERROR(
        Bind(opened[i].get(), place, sources[i].recursive, sources[i].slave, sources[i].flags));
  }
  return absl::OkStatus();
}

}  // namespace launch
}  // namespace cloister
