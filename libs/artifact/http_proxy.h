// The node's HTTP proxy as its configuration writes it. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_HTTP_PROXY_H_
#define CLOISTER_LIBS_ARTIFACT_HTTP_PROXY_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::artifact {

struct HttpProxy {
  std::string host;  // Without brackets.
  uint16_t port = 0;
};

// "http://host:port", and nothing after it: no user, no path, no other scheme. EgressPolicy
// (proxy_host, proxy_port) must name the same.
absl::StatusOr<HttpProxy> ParseHttpProxy(absl::string_view text);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_HTTP_PROXY_H_
