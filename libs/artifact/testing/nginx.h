// A real nginx for a test, on loopback ports of the kernel's choice. It inherits sockets that
// listen already: no port is guessed and nothing waits for it to come up.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_NGINX_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_NGINX_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/os/spawn.h"

namespace cloister::artifact {

class Nginx {
 public:
  // Serves `directory` (which it also writes its logs to, in nginx/) at /; `locations` goes into
  // the server block. With certificates there is a second, TLS port that speaks HTTP/2, too.
  static absl::StatusOr<std::unique_ptr<Nginx>> Start(const std::string& directory,
                                                      absl::string_view locations,
                                                      const TestCertificates* certificates);
  ~Nginx();

  uint16_t port() const { return port_; }
  uint16_t tls_port() const { return tls_port_; }
  std::string Url(absl::string_view path) const;
  // With the name that the certificate is for.
  std::string TlsUrl(absl::string_view host, absl::string_view path) const;

 private:
  Nginx() = default;

  SpawnedProcess process_;
  uint16_t port_ = 0;
  uint16_t tls_port_ = 0;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_NGINX_H_
