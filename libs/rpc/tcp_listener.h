// A listening TCP socket.

#ifndef CLOISTER_LIBS_RPC_TCP_LISTENER_H_
#define CLOISTER_LIBS_RPC_TCP_LISTENER_H_

#include <utility>

#include "absl/status/statusor.h"
#include "libs/base/owned_fd.h"
#include "libs/rpc/address.h"

namespace cloister::rpc {

class TcpListener {
 public:
  // Binds a numeric address and listens, without blocking; [::] takes IPv4 too. The port is ours
  // alone: no SO_REUSEPORT, with which another process of our user could share it.
  static absl::StatusOr<TcpListener> Listen(const Address& address);

  // On loan: level-triggered readable when a connection waits.
  int fd() const { return fd_.get(); }
  // With the port that the kernel chose, where 0 was asked for.
  const Address& address() const { return address_; }

 private:
  TcpListener(OwnedFd fd, Address address) : fd_(std::move(fd)), address_(std::move(address)) {}

  OwnedFd fd_;
  Address address_;
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_TCP_LISTENER_H_
