#include "tools/cloister/dev_connection.h"

#include <grpcpp/create_channel.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"

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
  grpc::ChannelArguments arguments;
  // A service that is killed and started again, as tests do, is met again at once.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  // Its own connection: channels to one address share their back-off otherwise.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::StrCat("unix:", socket_path),
                                   grpc::InsecureChannelCredentials(), arguments);
}

std::unique_ptr<Client> ConnectDev(const std::string& socket_path) {
  return std::make_unique<Client>(DevChannel(socket_path), absl::StrCat("unix:", socket_path));
}

}  // namespace cloister
