// Connects from this process: resolves, checks each address against the policy, connects to it.
#ifndef CLOISTER_LIBS_ARTIFACT_DIRECT_CONNECTOR_H_
#define CLOISTER_LIBS_ARTIFACT_DIRECT_CONNECTOR_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/artifact/connector.h"
#include "libs/artifact/egress_policy.h"

namespace cloister::artifact {

// The addresses of a name, best first.
using Resolver = std::function<absl::StatusOr<std::vector<IpAddress>>(const std::string& host)>;

// getaddrinfo(3). NOT_FOUND if there is no such host; UNAVAILABLE and IsRetryable if nobody could
// say now.
absl::StatusOr<std::vector<IpAddress>> SystemResolver(const std::string& host);

// Thread-safe if its resolver is.
class DirectConnector : public Connector {
 public:
  explicit DirectConnector(EgressPolicy policy, absl::Duration timeout = absl::Seconds(30),
                           Resolver resolver = SystemResolver);

  // Tries the addresses that the policy allows one after the other, within the timeout. Where it
  // allows none, the error is the first one's.
  absl::StatusOr<OwnedFd> Connect(absl::string_view scheme, absl::string_view host,
                                  uint16_t port) override;

  absl::Status MayAskProxyFor(absl::string_view scheme, absl::string_view host,
                              uint16_t port) override;

 private:
  const EgressPolicy policy_;
  const absl::Duration timeout_;
  const Resolver resolver_;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_DIRECT_CONNECTOR_H_
