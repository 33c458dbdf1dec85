// A line to a service of a private cluster, by its socket.
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_CONNECTION_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_CONNECTION_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "tools/cloister/client.h"

namespace cloister {

// Whether somebody accepts connections at the unix socket `path` now.
bool IsListening(const std::string& path);

std::shared_ptr<grpc::Channel> DevChannel(const std::string& socket_path);
std::unique_ptr<Client> ConnectDev(const std::string& socket_path);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_CONNECTION_H_
