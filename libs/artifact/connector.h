// Where the connections of a fetch come from. Nothing in libs/artifact opens a socket of its own:
// what runs in the fetcher's cell has an empty network namespace, and is handed connected sockets
// by a broker outside. Alone, without the services, DirectConnector (direct_connector.h) is used.
#ifndef CLOISTER_LIBS_ARTIFACT_CONNECTOR_H_
#define CLOISTER_LIBS_ARTIFACT_CONNECTOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/egress_policy.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

class Connector {
 public:
  virtual ~Connector() = default;

  // A connected TCP socket to `host` (a name, an IPv4 address, or an IPv6 address without brackets)
  // and `port`, in blocking mode. Whoever implements it checks scheme and host, resolves, and
  // checks the *address it connects to* against the node's egress policy: a name may change its
  // address between two looks (DNS rebinding).
  //
  // The connection must have been made by connect(2) on a non-blocking socket and awaited by
  // poll(2): libcurl 7.88 calls connect(2) once more on what it was told is connected, which the
  // kernel answers once with 0 where it has not said so before, and with EISCONN else.
  //   PERMISSION_DENIED  the policy refuses it; says which rule
  //   NOT_FOUND          no such host
  //   UNAVAILABLE        cannot be reached or resolved now; IsRetryable (retryable.h)
  // `scheme` is "http", "https", "ssh" or kProxyScheme. Called from the fetching thread.
  virtual absl::StatusOr<OwnedFd> Connect(absl::string_view scheme, absl::string_view host,
                                          uint16_t port) = 0;

  // Whether this may be asked of the node's proxy, which connects itself and resolves names itself:
  // asked before each request through one. By itself what EgressPolicy() says of scheme, host and
  // literal address; who knows the node's policy says by that.
  virtual absl::Status MayAskProxyFor(absl::string_view scheme, absl::string_view host,
                                      uint16_t port);
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_CONNECTOR_H_
