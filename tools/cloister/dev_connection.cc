#include "tools/cloister/dev_connection.h"

#include <grpcpp/create_channel.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"
#include "libs/rpc/address.h"
#include "libs/rpc/channel.h"

namespace cloister {

bool IsListening(const std::string& path) {
  sockaddr_un address;
  std::memset(&address, 0, sizeof(address));
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.valid() &&
         connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

std::shared_ptr<grpc::Channel> DevChannel(const std::string& socket_path) {
  absl::StatusOr<rpc::Address> address = rpc::ParseAddress(absl::StrCat("unix:", socket_path));
  // Layouts are made so that their sockets fit; what does not parse is one that nobody made.
  if (!address.ok()) return grpc::CreateChannel("unix:", grpc::InsecureChannelCredentials());
  rpc::ChannelOptions options;
  options.retried_services.clear();
  return *rpc::OpenChannel(*address, options);
}

std::unique_ptr<Client> ConnectDev(const std::string& socket_path) {
  return std::make_unique<Client>(DevChannel(socket_path), absl::StrCat("unix:", socket_path));
}

}  // namespace cloister
