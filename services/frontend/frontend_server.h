// FrontendServer: a frontend as it runs: served by libs/rpc, behind its method table, dialling
// executors whose names it checks.
#ifndef CLOISTER_SERVICES_FRONTEND_FRONTEND_SERVER_H_
#define CLOISTER_SERVICES_FRONTEND_FRONTEND_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/server.h"
#include "services/frontend/frontend.h"
#include "services/frontend/frontend_config.h"

namespace cloister::frontend {

class FrontendServer {
 public:
  // Serves when it returns. `clock` outlives the server.
  static absl::StatusOr<std::unique_ptr<FrontendServer>> Start(FrontendConfig config,
                                                               const Clock* clock);
  FrontendServer(const FrontendServer&) = delete;
  FrontendServer& operator=(const FrontendServer&) = delete;
  // Drains without patience.
  ~FrontendServer();

  // For the log; made anew at each start.
  const std::string& id() const { return id_; }
  const std::vector<rpc::Address>& addresses() const { return server_->addresses(); }

  // Ends what lasts, waits for the rest. Tasks go on. A second time does nothing.
  void Drain(absl::Duration patience) { server_->Drain(patience); }

 private:
  FrontendServer(FrontendConfig config, rpc::Authorizer authorizer);

  Frontend::Options MakeOptions() const;

  const FrontendConfig config_;
  const std::string id_;
  const rpc::Authorizer authorizer_;
  rpc::DrainSignal drain_;
  std::unique_ptr<Frontend> frontend_;
  // After what it serves: it goes first.
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FRONTEND_SERVER_H_
