#include "libs/artifact/download.h"

#include <curl/curl.h>

#include <memory>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/http_hop.h"
#include "libs/artifact/redacted_url.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/url_parts.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

bool IsHttp(const UrlParts& url) { return url.scheme == "http" || url.scheme == "https"; }

// What says nothing of who asks.
bool MayGoElsewhere(absl::string_view header) {
  const std::string name = absl::AsciiStrToLower(header);
  return name == "accept" || name == "accept-language" || name == "user-agent";
}

absl::Status CheckHeaders(const std::vector<std::pair<std::string, std::string>>& headers) {
  // Ours to say: they decide where a message ends, whom it reaches and what of it comes back.
  static const auto& own = *new std::set<std::string>{"host",
                                                      "content-length",
                                                      "transfer-encoding",
                                                      "connection",
                                                      "upgrade",
                                                      "range",
                                                      "if-range",
                                                      "te",
                                                      "trailer",
                                                      "expect",
                                                      "proxy-authorization",
                                                      "proxy-connection",
                                                      "accept-encoding"};
  for (const auto& header : headers) {
    bool token = !header.first.empty();
    for (const char c : header.first) {
      token = token && (absl::ascii_isalnum(c) ||
                        absl::string_view("!#$%&'*+-.^_`|~").find(c) != absl::string_view::npos);
    }
    if (!token) return absl::InvalidArgumentError("headers: a name is no header name");
    if (own.count(absl::AsciiStrToLower(header.first)) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("headers: '", header.first, "' is set by the transfer itself"));
    }
    if (header.second.find_first_of("\r\n\0", 0, 3) != std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("headers: the value of '", header.first, "' has a line break or NUL"));
    }
  }
  return absl::OkStatus();
}

// They come back from a record, and go into headers.
absl::Status CheckValidators(const Validators& validators) {
  for (const std::string* text : {&validators.etag, &validators.last_modified}) {
    for (const char c : *text) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
        return absl::InvalidArgumentError("a validator has a control character in it");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckUrl(const UrlParts& url) {
  if (!IsHttp(url)) {
    return absl::PermissionDeniedError(
        absl::StrCat("scheme '", url.scheme, "' is not fetched by HTTP"));
  }
  if (url.has_userinfo) {
    return absl::InvalidArgumentError(
        "the URL holds a user or password: name a credential of the node instead");
  }
  return absl::OkStatus();
}

// One artifact's way through its redirects.
class Transfer {
 public:
  Transfer(const HttpRequest& request, const HttpOptions& options, const HttpLimits& limits,
           Connector& connector, BodySink& sink)
      : request_(request),
        options_(options),
        limits_(limits),
        connector_(connector),
        sink_(sink),
        deadline_(absl::Now() + limits.total) {}

  absl::StatusOr<DownloadReport> Run() {
    CLOISTER_RETURN_IF_ERROR(CheckHeaders(request_.headers));
    CLOISTER_RETURN_IF_ERROR(CheckValidators(request_.resume));
    CLOISTER_RETURN_IF_ERROR(CheckValidators(request_.if_changed));
    CLOISTER_ASSIGN_OR_RETURN(first_, ParseUrl(request_.url));
    CLOISTER_RETURN_IF_ERROR(CheckUrl(first_));
    curl_.reset(curl_easy_init());
    if (curl_ == nullptr) return absl::ResourceExhaustedError("libcurl: out of memory");
    first_.fragment.clear();
    UrlParts url = first_;
    int64_t offset = CanResume() ? request_.offset : 0;
    for (int redirects = 0;;) {
      HopResult hop;
      CLOISTER_ASSIGN_OR_RETURN(hop, RunOne(url, offset));
      if (hop.kind == HopResult::Kind::kRangeRefused) {
        offset = 0;
        continue;
      }
      if (hop.kind == HopResult::Kind::kRedirect) {
        if (++redirects > limits_.redirects) {
          return absl::ResourceExhaustedError(absl::StrCat(
              Shown(first_), ": more than ", limits_.redirects, " redirects (limit redirects)"));
        }
        CLOISTER_ASSIGN_OR_RETURN(url, NextUrl(url, hop));
        continue;
      }
      hop.report.redirects = redirects;
      hop.report.url = url.ToString();
      return std::move(hop.report);
    }
  }

 private:
  static std::string Shown(const UrlParts& url) { return RedactedUrl(url.ToString()); }

  // A weak tag promises no equal bytes (RFC 9110 §13.1.5).
  bool CanResume() const { return request_.offset > 0 && !IfRange(request_.resume).empty(); }

  absl::StatusOr<UrlParts> NextUrl(const UrlParts& from, const HopResult& hop) {
    absl::StatusOr<UrlParts> to = ParseUrl(hop.location);
    if (!to.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat(Shown(from), ": redirected to what is no URL: ", to.status().message()));
    }
    CLOISTER_RETURN_IF_ERROR(Annotate(CheckUrl(*to), Shown(from), ": redirected to ", Shown(*to)));
    if (from.scheme == "https" && to->scheme == "http") {
      return absl::PermissionDeniedError(
          absl::StrCat(Shown(from), ": redirected from https to http, to ", Shown(*to)));
    }
    if (request_.post && hop.status != 307 && hop.status != 308) {
      return absl::FailedPreconditionError(
          absl::StrCat(Shown(from), ": a POST was redirected by status ", hop.status));
    }
    to->fragment.clear();
    return to;
  }

  absl::StatusOr<HopResult> RunOne(const UrlParts& url, int64_t offset) {
    HopRequest hop;
    hop.url = url.ToString();
    hop.scheme = url.scheme;
    hop.host = url.host;
    hop.port = url.EffectivePort();
    hop.shown = Shown(url);
    hop.own_origin = SameOrigin(url, first_);
    hop.offset = offset;
    hop.deadline = deadline_;
    for (const auto& header : request_.headers) {
      if (hop.own_origin || MayGoElsewhere(header.first)) hop.headers.push_back(header);
    }
    // Prefixed with the URL of this hop: a redirect's refusal names where it led.
    return RunHop(curl_.get(), hop, request_, options_, limits_, connector_, sink_);
  }

  struct FreeHandle {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };

  const HttpRequest& request_;
  const HttpOptions& options_;
  const HttpLimits& limits_;
  Connector& connector_;
  BodySink& sink_;
  const absl::Time deadline_;
  UrlParts first_;
  std::unique_ptr<CURL, FreeHandle> curl_;
};

}  // namespace

absl::StatusOr<DownloadReport> Download(const HttpRequest& request, const HttpOptions& options,
                                        const HttpLimits& limits, Connector& connector,
                                        BodySink& sink) {
  PreloadDownload();
  return Transfer(request, options, limits, connector, sink).Run();
}

void PreloadDownload() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(initialised);
}

}  // namespace cloister::artifact
