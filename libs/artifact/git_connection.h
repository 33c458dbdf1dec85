// A conversation with a git server about one repository: its references, then one request and the
// answer. Over HTTP by Download, over ssh by libssh2; both through the Connector only.
#ifndef CLOISTER_LIBS_ARTIFACT_GIT_CONNECTION_H_
#define CLOISTER_LIBS_ARTIFACT_GIT_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/artifact/connector.h"
#include "libs/artifact/credential.h"
#include "libs/artifact/download.h"
#include "libs/artifact/git_protocol.h"
#include "libs/artifact/url_parts.h"

namespace cloister::artifact {

struct GitEndpoint {
  UrlParts url;                                              // http, https or ssh.
  std::vector<std::pair<std::string, std::string>> headers;  // Of http and https.
  Credential credential;
  HttpOptions http;
  HttpLimits limits;
  absl::Time deadline;
};

class GitConnection {
 public:
  using OnBytes = std::function<absl::Status(absl::string_view bytes)>;
  virtual ~GitConnection() = default;

  // Once, first.
  virtual absl::StatusOr<GitAdvertisement> ReadAdvertisement() = 0;
  // Sends `request`; what comes is handed on until `whole` or the peer's end.
  virtual absl::Status Exchange(const std::string& request, const OnBytes& on_bytes,
                                const std::function<bool()>& whole) = 0;
};

// By the scheme of the URL. `endpoint` and `connector` outlive the connection.
absl::StatusOr<std::unique_ptr<GitConnection>> OpenGitConnection(const GitEndpoint& endpoint,
                                                                 Connector& connector);

// The two kinds.
std::unique_ptr<GitConnection> MakeHttpGitConnection(const GitEndpoint& endpoint,
                                                     Connector& connector);
absl::StatusOr<std::unique_ptr<GitConnection>> OpenSshGitConnection(const GitEndpoint& endpoint,
                                                                    Connector& connector);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_GIT_CONNECTION_H_
