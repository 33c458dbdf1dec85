#include "libs/artifact/connector.h"

namespace cloister::artifact {

absl::Status Connector::MayAskProxyFor(absl::string_view scheme, absl::string_view host,
                                       uint16_t port) {
  return CheckDestination(EgressPolicy(), scheme, host, port);
}

}  // namespace cloister::artifact
