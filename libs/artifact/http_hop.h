// One request and its answer, by libcurl: what Download (download.h) is made of.
#ifndef CLOISTER_LIBS_ARTIFACT_HTTP_HOP_H_
#define CLOISTER_LIBS_ARTIFACT_HTTP_HOP_H_

#include <curl/curl.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/artifact/download.h"

namespace cloister::artifact {

struct HopRequest {
  std::string url;
  std::string scheme;
  std::string host;  // Without brackets.
  uint16_t port = 0;
  std::string shown;  // For errors.
  // Same origin as the first URL: gets the credential.
  bool own_origin = false;
  std::vector<std::pair<std::string, std::string>> headers;
  int64_t offset = 0;
  absl::Time deadline;
};

struct HopResult {
  enum class Kind {
    kDone,
    kRedirect,
    // The range that was asked for is not there, or of another version: ask for the whole.
    kRangeRefused,
  };
  Kind kind = Kind::kDone;
  int status = 0;
  std::string location;  // Absolute.
  DownloadReport report;
};

// The value of If-Range for `validators`: a strong tag, else a date, else nothing.
std::string IfRange(const Validators& validators);

// On `curl`, which is reset and keeps its connections. Errors begin with `hop.shown`.
absl::StatusOr<HopResult> RunHop(CURL* curl, const HopRequest& hop, const HttpRequest& request,
                                 const HttpOptions& options, const HttpLimits& limits,
                                 Connector& connector, BodySink& sink);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_HTTP_HOP_H_
