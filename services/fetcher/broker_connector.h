// The cell's way to a server: it asks its broker, and is handed a connected socket.
#ifndef CLOISTER_SERVICES_FETCHER_BROKER_CONNECTOR_H_
#define CLOISTER_SERVICES_FETCHER_BROKER_CONNECTOR_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "libs/artifact/connector.h"
#include "libs/base/owned_fd.h"

namespace cloister::fetcher {

// Thread-safe: one connection is asked for after the other.
class BrokerConnector : public artifact::Connector {
 public:
  // `broker` is borrowed.
  explicit BrokerConnector(int broker) : broker_(broker) {}

  // As Connector; UNAVAILABLE and IsRetryable when the broker is gone.
  absl::StatusOr<OwnedFd> Connect(absl::string_view scheme, absl::string_view host,
                                  uint16_t port) override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Mutex mutex_;
  const int broker_;
};

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_BROKER_CONNECTOR_H_
