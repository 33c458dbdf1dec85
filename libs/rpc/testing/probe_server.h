// A real server in this process that serves the probe, and clients of it: for tests of libs/rpc.

#ifndef CLOISTER_LIBS_RPC_TESTING_PROBE_SERVER_H_
#define CLOISTER_LIBS_RPC_TESTING_PROBE_SERVER_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cloister/probe/probe.grpc.pb.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/server.h"
#include "libs/rpc/testing/probe_service.h"

namespace cloister::rpc {

// Long enough never to pass in a test that does not hang.
inline constexpr absl::Duration kTestTimeout = absl::Seconds(60);

inline constexpr RoleSet kAllRoles = {Role::kAdmin, Role::kClient,     Role::kFrontend,
                                      Role::kNode,  Role::kLocalOwner, Role::kLocalUser,
                                      Role::kDev};

// A fresh directory under /tmp, short enough for sockets, removed with what is in it.
class ShortDirectory {
 public:
  ShortDirectory();
  ~ShortDirectory();
  const std::string& path() const { return path_; }
  Address Socket() const;  // unix:<path>/s

 private:
  std::string path_;
};

class ProbeServer {
 public:
  // Who runs this test may connect, whoever that is.
  static PeerPolicy ThisUser();

  struct Setup {
    ServerOptions options;  // `services` are filled in.
    MethodTable methods = ProbeMethodTable(kAllRoles);
    PeerPolicy peers = ThisUser();
    bool dev_mode = false;
  };
  static absl::StatusOr<std::unique_ptr<ProbeServer>> Start(Setup setup);
  // On these addresses.
  static absl::StatusOr<std::unique_ptr<ProbeServer>> Start(const Address& address);

  Server& server() { return *server_; }
  ProbeService& probe() { return probe_; }
  DrainSignal& drain() { return drain_; }
  const Address& address() const { return server_->addresses()[0]; }

 private:
  ProbeServer(MethodTable methods, PeerPolicy peers, bool dev_mode);

  DrainSignal drain_;
  Authorizer authorizer_;
  ProbeService probe_;
  std::unique_ptr<Server> server_;
};

// A channel that must open, for `dev_mode` plaintext.
std::shared_ptr<grpc::Channel> DialOrDie(const Address& address, const ChannelOptions& options);
std::shared_ptr<grpc::Channel> DialOrDie(const Address& address);

// One Echo on the channel.
absl::StatusOr<probe::EchoResponse> Echo(const std::shared_ptr<grpc::Channel>& channel,
                                         absl::string_view text = "hello");

// A call in flight, with its context.
struct BlockCall {
  BlockCall(probe::ProbeService::Stub* stub);
  // Waits for its end.
  absl::Status Await();

  grpc::ClientContext context;
  probe::BlockRequest request;
  probe::BlockResponse response;
  absl::Mutex mutex;
  bool done ABSL_GUARDED_BY(mutex) = false;
  absl::Status status ABSL_GUARDED_BY(mutex);
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_TESTING_PROBE_SERVER_H_
