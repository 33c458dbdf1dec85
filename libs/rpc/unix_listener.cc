#include "libs/rpc/unix_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::rpc {
namespace {

absl::StatusOr<sockaddr_un> MakeAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ErrnoStatus(ENAMETOOLONG, path);
  memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Between looking at the socket file and replacing it nobody else may do so: two servers that start
// at once would each remove the other's. The lock goes with the descriptor.
absl::StatusOr<OwnedFd> LockDirectory(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  OwnedFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, directory);
  // Whoever can read the directory can hold its lock, so we do not wait for ever.
  constexpr int kTries = 200;
  for (int i = 0; i < kTries; ++i) {
    if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno != EWOULDBLOCK && errno != EINTR) return ErrnoStatus(errno, directory);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return absl::UnavailableError(absl::StrCat("another process has held the lock of '", directory,
                                             "' for two seconds: try again"));
}

absl::Status InUse(const std::string& path, const std::string& why) {
  return absl::AlreadyExistsError(absl::StrCat("socket '", path, "': ", why));
}

// Removes a socket file on which nobody listens.
absl::Status RemoveStale(const std::string& path, const sockaddr_un& address) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, path);
  }
  if (!S_ISSOCK(info.st_mode)) return InUse(path, "something that is no socket is there");
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return InUse(path, absl::StrCat("a socket of uid ", info.st_uid, " is there"));
  }
  const OwnedFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return ErrnoStatus(errno, "socket");
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno != ECONNREFUSED) {
    // EAGAIN, a full backlog, is an answer too; any other error is none that says "nobody".
    return InUse(path, "another process listens on it");
  }
  if (unlink(path.c_str()) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<UnixListener>> UnixListener::Listen(const std::string& path,
                                                                   SocketAccess access) {
  CLOISTER_ASSIGN_OR_RETURN(const sockaddr_un address, MakeAddress(path));
  OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket");
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd lock, LockDirectory(path));
  CLOISTER_RETURN_IF_ERROR(RemoveStale(path, address));
  // Before bind(2), which gives the file the mode of the socket (less the umask): there is no
  // moment at which others could connect.
  if (fchmod(fd.get(), 0600) != 0) return ErrnoStatus(errno, path);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoStatus(errno, absl::StrCat("bind '", path, "'"));
  }
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return ErrnoStatus(errno, path);
  auto listener = std::unique_ptr<UnixListener>(
      new UnixListener(path, std::move(fd), info.st_dev, info.st_ino));
  if (listen(listener->fd(), SOMAXCONN) != 0) {
    return ErrnoStatus(errno, absl::StrCat("listen '", path, "'"));
  }
  // By path, as the mode of a bound socket's descriptor is not the file's any more; nobody else can
  // write to the directory.
  if (access == SocketAccess::kEverybody && chmod(path.c_str(), 0666) != 0) {
    return ErrnoStatus(errno, path);
  }
  return listener;
}

UnixListener::~UnixListener() {
  // Without the lock (somebody else holds it) rather remove it than leave it behind: what is there
  // is compared first.
  const absl::StatusOr<OwnedFd> lock = LockDirectory(path_);
  struct stat info;
  if (lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) {
    unlink(path_.c_str());
  }
}

}  // namespace cloister::rpc
