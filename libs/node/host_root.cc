#include "libs/node/host_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::node {
namespace {

constexpr size_t kMaxFileBytes = 64 << 20;

// Where an open descriptor leads to.
absl::StatusOr<std::string> PathOfFd(int fd) {
  char buffer[4096];
  const std::string link = absl::StrCat("/proc/self/fd/", fd);
  const ssize_t size = readlink(link.c_str(), buffer, sizeof(buffer));
  if (size < 0) return ErrnoStatus(errno, absl::StrCat("readlink '", link, "'"));
  return std::string(buffer, static_cast<size_t>(size));
}

HostPath::Kind KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return HostPath::Kind::kDirectory;
  if (S_ISREG(mode)) return HostPath::Kind::kFile;
  return HostPath::Kind::kOther;
}

// Nothing is there, or a link leads nowhere or in a circle.
bool IsAbsence(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

}  // namespace

HostRoot::HostRoot(OwnedFd directory, std::string prefix)
    : directory_(std::move(directory)), prefix_(std::move(prefix)) {}

absl::StatusOr<HostRoot> HostRoot::Open(const std::string& directory) {
  OwnedFd fd(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("open '", directory, "'"));
  CLOISTER_ASSIGN_OR_RETURN(std::string prefix, PathOfFd(fd.get()));
  if (prefix == "/") prefix.clear();
  return HostRoot(std::move(fd), std::move(prefix));
}

absl::StatusOr<OwnedFd> HostRoot::OpenAt(const std::string& path, int flags) const {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  OwnedFd fd(
      static_cast<int>(syscall(SYS_openat2, directory_.get(), path.c_str(), &how, sizeof(how))));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("openat2 '", path, "'"));
  return fd;
}

absl::StatusOr<std::string> HostRoot::ReadText(const std::string& path) const {
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd fd, OpenAt(path, O_RDONLY));
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t size = read(fd.get(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(errno, absl::StrCat("read '", path, "'"));
    if (size == 0) return text;
    text.append(buffer, static_cast<size_t>(size));
    if (text.size() > kMaxFileBytes) {
      return ErrnoStatus(EFBIG, absl::StrCat("read '", path, "'"));
    }
  }
}

absl::StatusOr<std::string> HostRoot::ReadLine(const std::string& path) const {
  CLOISTER_ASSIGN_OR_RETURN(std::string text, ReadText(path));
  return std::string(absl::StripTrailingAsciiWhitespace(text));
}

absl::StatusOr<HostPath> HostRoot::LookAt(const std::string& path) const {
  HostPath found;
  found.path = path;
  struct stat status;
  const auto stat_of = [&](int flags) -> absl::Status {
    CLOISTER_ASSIGN_OR_RETURN(OwnedFd fd, OpenAt(path, flags));
    if (fstat(fd.get(), &status) != 0) {
      return ErrnoStatus(errno, absl::StrCat("fstat '", path, "'"));
    }
    CLOISTER_ASSIGN_OR_RETURN(found.resolved, PathOfFd(fd.get()));
    return absl::OkStatus();
  };
  absl::Status seen = stat_of(O_PATH | O_NOFOLLOW);
  if (seen.ok()) {
    found.is_link = S_ISLNK(status.st_mode);
    if (found.is_link) seen = stat_of(O_PATH);
  }
  if (!seen.ok()) {
    found.resolved.clear();
    if (IsAbsence(ErrnoOf(seen))) return found;
    return seen;
  }
  found.kind = KindOf(status.st_mode);
  found.device = status.st_dev;
  found.inode = status.st_ino;
  found.resolved = std::string(absl::StripPrefix(found.resolved, prefix_));
  if (found.resolved.empty()) found.resolved = "/";
  return found;
}

absl::StatusOr<HostDevice> HostRoot::LookAtDevice(const std::string& path) const {
  HostDevice found;
  found.path = path;
  CLOISTER_ASSIGN_OR_RETURN(const HostPath place, LookAt(path));
  if (place.kind != HostPath::Kind::kOther) return found;
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd fd, OpenAt(path, O_PATH));
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return ErrnoStatus(errno, absl::StrCat("fstat '", path, "'"));
  if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return found;
  found.exists = true;
  found.resolved = place.resolved;
  found.block = S_ISBLK(status.st_mode);
  found.major = major(status.st_rdev);
  found.minor = minor(status.st_rdev);
  return found;
}

bool HostRoot::Exists(const std::string& path) const {
  const absl::StatusOr<HostPath> found = LookAt(path);
  return found.ok() && found->exists();
}

bool HostRoot::IsWritable(const std::string& path) const {
  const absl::StatusOr<OwnedFd> fd = OpenAt(path, O_PATH);
  if (!fd.ok()) return false;
  const std::string link = absl::StrCat("/proc/self/fd/", fd->get());
  return faccessat(AT_FDCWD, link.c_str(), W_OK, AT_EACCESS) == 0;
}

}  // namespace cloister::node
