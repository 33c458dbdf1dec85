// A listening unix socket at a path, of which there is one, and which is only ours.

#ifndef CLOISTER_LIBS_RPC_UNIX_LISTENER_H_
#define CLOISTER_LIBS_RPC_UNIX_LISTENER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"

namespace cloister::rpc {

// Who may connect at all, before their uid is looked at.
enum class SocketAccess {
  kOwner,     // Mode 0600: our own user, and root.
  kEverybody  // Mode 0666, where other uids are let in by name: the acceptor refuses the rest.
};

class UnixListener {
 public:
  // Creates the socket file and listens, without blocking. The directory must have passed
  // CheckSocketDirectory() (socket_directory.h). A socket file that a dead process left is
  // replaced. ALREADY_EXISTS if somebody answers on it, or if what is there is not a socket of ours
  // or root's: that is never removed.
  static absl::StatusOr<std::unique_ptr<UnixListener>> Listen(
      const std::string& path, SocketAccess access = SocketAccess::kOwner);

  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  // Removes the socket file, unless another has taken its place.
  ~UnixListener();

  // On loan: level-triggered readable when a connection waits.
  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

 private:
  UnixListener(std::string path, OwnedFd fd, dev_t device, ino_t inode)
      : path_(std::move(path)), fd_(std::move(fd)), device_(device), inode_(inode) {}

  const std::string path_;
  const OwnedFd fd_;
  // Of the socket file. Not given to another file while fd_ is open, as the kernel holds it.
  const dev_t device_;
  const ino_t inode_;
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_UNIX_LISTENER_H_
