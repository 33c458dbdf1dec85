// One HTTP transfer (libcurl): redirects are followed here, hop by hop, each one checked; no netrc,
// no proxy or certificates from the environment; what was compressed stays compressed. Sockets come
// from a Connector only, names are not resolved here.
#ifndef CLOISTER_LIBS_ARTIFACT_DOWNLOAD_H_
#define CLOISTER_LIBS_ARTIFACT_DOWNLOAD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/artifact/connector.h"
#include "libs/artifact/credential.h"

namespace cloister::artifact {

// What a server said of a version of a file. Empty: nothing.
struct Validators {
  std::string etag;  // With its quotes, W/ included.
  std::string last_modified;

  bool empty() const { return etag.empty() && last_modified.empty(); }
};

// How the node reaches servers; the same for every fetch of it.
struct HttpOptions {
  // Certificates that servers are verified with, PEM. Empty: none is trusted, https fails.
  std::string ca_pem;
  // Certificates are not looked at. The task must have asked for it and the node allow it.
  bool insecure = false;
  // "http://host:port", from the node's configuration. Empty: none.
  std::string proxy;
};

struct HttpLimits {
  int64_t max_bytes = int64_t{100} << 30;      // Of a body, as received.
  int redirects = 10;                          //
  absl::Duration connect = absl::Seconds(30);  // TLS included.
  // Without a single byte, or until the first one. Looked at about once a second.
  absl::Duration read = absl::Minutes(5);
  int64_t min_bytes_per_second = 0;       // Over `read`. 0: any speed.
  absl::Duration total = absl::Hours(1);  // The whole transfer, redirects included.
};

struct HttpRequest {
  std::string url;  // http or https.
  // Sent to the origin of `url`. Another origin gets of them only Accept, Accept-Language and
  // User-Agent.
  std::vector<std::pair<std::string, std::string>> headers;
  Credential credential;  // kNone, kBasic, kBearer, kHeader, or kAws with `aws_region`.
  std::string aws_region;
  // Sent by POST if `post`; redirects are then followed only as 307 and 308.
  bool post = false;
  std::string body;
  // Bytes that the sink has already, of the version that `resume` names: the rest is asked for by
  // Range and If-Range. What the server sends from its beginning is told to the sink.
  int64_t offset = 0;
  Validators resume;
  // Answered with DownloadReport::not_modified if the server still has this version.
  Validators if_changed;
};

// Where a body goes. Called by Download, on its thread.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // The body begins at `offset`: HttpRequest::offset, or 0, and then what is there is void.
  // `total` is the size of the whole, or -1. Not called where there is none.
  virtual absl::Status Begin(int64_t offset, int64_t total, const Validators& validators) = 0;
  virtual absl::Status Write(absl::string_view bytes) = 0;
};

struct DownloadReport {
  bool not_modified = false;
  int64_t bytes = 0;  // Received in this transfer.
  Validators validators;
  std::string content_type;
  std::string url;  // Of the last hop. Secret like the first: never print it whole.
  int redirects = 0;
  int http_version = 0;  // 10, 11, 20.
};

// Errors name the origin and path, never query, userinfo or headers. IsRetryable where it is:
// connections that break or time out, bodies that end early, 408, 425, 429, 500, 502, 503, 504.
//   INVALID_ARGUMENT    the URL
//   PERMISSION_DENIED   401, 403; a redirect or address that the policy refuses
//   NOT_FOUND           404, 410, no such host
//   RESOURCE_EXHAUSTED  a limit, by its name
//   DEADLINE_EXCEEDED   a time limit, by its name
//   UNAVAILABLE, DATA_LOSS (body shorter than announced), FAILED_PRECONDITION (TLS, other answers)
// What the sink returns is returned as it is. Any number of threads at once, each with its own
// arguments.
absl::StatusOr<DownloadReport> Download(const HttpRequest& request, const HttpOptions& options,
                                        const HttpLimits& limits, Connector& connector,
                                        BodySink& sink);

// Once per process, before threads and forks: libcurl and OpenSSL, not the certificates.
void PreloadDownload();

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_DOWNLOAD_H_
