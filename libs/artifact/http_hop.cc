#include "libs/artifact/http_hop.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "libs/artifact/http_proxy.h"
#include "libs/artifact/http_response.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/sigpipe_blocked.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr int64_t kMaxHeaderBytes = 256 << 10;
// Of an answer that is thrown away.
constexpr int64_t kMaxRefusalBytes = 1 << 20;
// What is kept of one to say why (S3's error code stands in its first lines).
constexpr size_t kKeptRefusalBytes = 4096;

constexpr char kSha256OfNothing[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// Never connected to: the socket comes from the Connector. It keeps curl from resolving.
constexpr char kNowhere[] = "192.0.2.1";

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

class Hop {
 public:
  Hop(CURL* curl, const HopRequest& hop, const HttpRequest& request, const HttpOptions& options,
      const HttpLimits& limits, Connector& connector, BodySink& sink)
      : curl_(curl),
        hop_(hop),
        request_(request),
        options_(options),
        limits_(limits),
        connector_(connector),
        sink_(sink) {}

  absl::StatusOr<HopResult> Run() {
    curl_easy_reset(curl_);
    CLOISTER_RETURN_IF_ERROR(Annotate(Prepare(), hop_.shown));
    const absl::Duration left = hop_.deadline - absl::Now();
    if (left <= absl::Milliseconds(1)) return Annotate(TimeFailure(), hop_.shown);
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(left)));
    last_byte_ = window_begin_ = absl::Now();
    CURLcode code;
    {
      SigpipeBlocked blocked;
      code = curl_easy_perform(curl_);
    }
    if (!sink_failure_.ok()) return sink_failure_;
    if (!failure_.ok()) return Annotate(failure_, hop_.shown);
    if (range_refused_) return Result(HopResult::Kind::kRangeRefused);
    if (code != CURLE_OK) return Annotate(TransportFailure(code), hop_.shown);
    return Judge();
  }

 private:
  template <typename Value>
  void Set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(curl_, option, value);
    if (code != CURLE_OK && prepared_.ok()) {
      prepared_ = absl::InternalError(absl::StrCat("libcurl: option ", static_cast<int>(option),
                                                   ": ", curl_easy_strerror(code)));
    }
  }

  absl::Status Prepare() {
    Set(CURLOPT_URL, hop_.url.c_str());
    Set(CURLOPT_ERRORBUFFER, &error_text_[0]);
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_FOLLOWLOCATION, 0L);
    Set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    Set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    Set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    Set(CURLOPT_HTTP09_ALLOWED, 0L);
    Set(CURLOPT_BUFFERSIZE, 256L << 10);
    Set(CURLOPT_TCP_NODELAY, 0L);  // Set where the socket is made; ours may be another family.
    Set(CURLOPT_TCP_KEEPALIVE, 0L);
    Set(CURLOPT_USERAGENT, "cloister");
    Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(limits_.connect)));
    PrepareTls();
    PrepareCallbacks();
    CLOISTER_RETURN_IF_ERROR(PreparePath());
    CLOISTER_RETURN_IF_ERROR(PrepareCredential());
    PrepareHeaders();
    if (request_.post) {
      Set(CURLOPT_POST, 1L);
      Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      Set(CURLOPT_POSTFIELDS, request_.body.data());
    }
    return prepared_;
  }

  void PrepareTls() {
    Set(CURLOPT_CAINFO, static_cast<char*>(nullptr));
    Set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    if (!options_.ca_pem.empty()) {
      // Valid for the transfer: no copy of a bundle of some 200 KB.
      curl_blob blob = {const_cast<char*>(options_.ca_pem.data()), options_.ca_pem.size(),
                        CURL_BLOB_NOCOPY};
      Set(CURLOPT_CAINFO_BLOB, &blob);
    }
    Set(CURLOPT_SSL_VERIFYPEER, options_.insecure ? 0L : 1L);
    Set(CURLOPT_SSL_VERIFYHOST, options_.insecure ? 0L : 2L);
    Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    Set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
  }

  void PrepareCallbacks() {
    Set(
        CURLOPT_OPENSOCKETFUNCTION, +[](void* self, curlsocktype, curl_sockaddr*) {
          return static_cast<Hop*>(self)->OpenSocket();
        });
    Set(CURLOPT_OPENSOCKETDATA, this);
    Set(
        CURLOPT_SOCKOPTFUNCTION,
        +[](void*, curl_socket_t, curlsocktype) -> int { return CURL_SOCKOPT_ALREADY_CONNECTED; });
    Set(
        CURLOPT_HEADERFUNCTION, +[](char* data, size_t, size_t size, void* self) {
          return static_cast<Hop*>(self)->OnHeader({data, size}) ? size : size_t{0};
        });
    Set(CURLOPT_HEADERDATA, this);
    Set(
        CURLOPT_WRITEFUNCTION, +[](char* data, size_t, size_t size, void* self) {
          return static_cast<Hop*>(self)->OnBody({data, size}) ? size : size_t{0};
        });
    Set(CURLOPT_WRITEDATA, this);
    Set(CURLOPT_NOPROGRESS, 0L);
    Set(
        CURLOPT_XFERINFOFUNCTION,
        +[](void* self, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) -> int {
          return static_cast<Hop*>(self)->OnTick(down + up) ? 0 : 1;
        });
    Set(CURLOPT_XFERINFODATA, this);
  }

  // Straight, or through the node's proxy. Never by what the environment says.
  absl::Status PreparePath() {
    Set(CURLOPT_NOPROXY, "");
    if (options_.proxy.empty()) {
      Set(CURLOPT_PROXY, "");
      connect_to_.reset(curl_slist_append(nullptr, absl::StrCat("::", kNowhere, ":").c_str()));
      Set(CURLOPT_CONNECT_TO, connect_to_.get());
      return absl::OkStatus();
    }
    CLOISTER_ASSIGN_OR_RETURN(proxy_, ParseHttpProxy(options_.proxy));
    CLOISTER_RETURN_IF_ERROR(connector_.MayAskProxyFor(hop_.scheme, hop_.host, hop_.port));
    Set(CURLOPT_PROXY, absl::StrCat("http://", kNowhere, ":", proxy_->port).c_str());
    Set(CURLOPT_PROXYTYPE, static_cast<long>(CURLPROXY_HTTP));
    Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return absl::OkStatus();
  }

  void AddHeader(absl::string_view name, absl::string_view value) {
    // "Name;" is curl's way to write a header without a value.
    const std::string line =
        value.empty() ? absl::StrCat(name, ";") : absl::StrCat(name, ": ", value);
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
  }

  absl::Status PrepareCredential() {
    const Credential& credential = request_.credential;
    if (!hop_.own_origin || credential.kind == Credential::Kind::kNone) return absl::OkStatus();
    if ((credential.user + credential.secret + credential.session_token)
            .find_first_of("\r\n\0", 0, 3) != std::string::npos) {
      return absl::InvalidArgumentError("the credential has a line break or NUL in it");
    }
    switch (credential.kind) {
      case Credential::Kind::kBasic:
        if (absl::StrContains(credential.user, ':')) {
          return absl::InvalidArgumentError("the credential's user has a colon in it");
        }
        Set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
        Set(CURLOPT_USERNAME, credential.user.c_str());
        Set(CURLOPT_PASSWORD, credential.secret.c_str());
        return absl::OkStatus();
      case Credential::Kind::kBearer:
        AddHeader("Authorization", absl::StrCat("Bearer ", credential.secret));
        return absl::OkStatus();
      case Credential::Kind::kHeader:
        AddHeader(credential.user, credential.secret);
        return absl::OkStatus();
      case Credential::Kind::kAws:
        Set(CURLOPT_AWS_SIGV4, absl::StrCat("aws:amz:", request_.aws_region, ":s3").c_str());
        Set(CURLOPT_USERNAME, credential.user.c_str());
        Set(CURLOPT_PASSWORD, credential.secret.c_str());
        // As signed, not as curl would tidy it: a key may hold "..".
        Set(CURLOPT_PATH_AS_IS, 1L);
        // libcurl 7.88 signs it but does not add it by itself.
        AddHeader("x-amz-content-sha256", kSha256OfNothing);
        if (!credential.session_token.empty()) {
          AddHeader("x-amz-security-token", credential.session_token);
        }
        return absl::OkStatus();
      default:
        return absl::InvalidArgumentError("the credential is not one for HTTP");
    }
  }

  void PrepareHeaders() {
    for (const auto& header : hop_.headers) AddHeader(header.first, header.second);
    if (hop_.offset > 0) {
      Set(CURLOPT_RANGE, absl::StrCat(hop_.offset, "-").c_str());
      AddHeader("If-Range", IfRange(request_.resume));
    }
    if (!request_.if_changed.etag.empty()) {
      AddHeader("If-None-Match", request_.if_changed.etag);
    } else if (!request_.if_changed.last_modified.empty()) {
      AddHeader("If-Modified-Since", request_.if_changed.last_modified);
    }
    // Not "Expect: 100-continue": one round trip for nothing.
    if (request_.post) headers_.reset(curl_slist_append(headers_.release(), "Expect:"));
    Set(CURLOPT_HTTPHEADER, headers_.get());
  }

  curl_socket_t OpenSocket() {
    absl::StatusOr<OwnedFd> fd = proxy_.has_value()
                                     ? connector_.Connect(kProxyScheme, proxy_->host, proxy_->port)
                                     : connector_.Connect(hop_.scheme, hop_.host, hop_.port);
    last_byte_ = window_begin_ = absl::Now();
    if (fd.ok()) return fd->Release();
    failure_ = fd.status();
    return CURL_SOCKET_BAD;
  }

  bool Fail(absl::Status status) {
    if (failure_.ok()) failure_ = std::move(status);
    return false;
  }

  bool OnHeader(absl::string_view line) {
    last_byte_ = absl::Now();
    header_bytes_ += static_cast<int64_t>(line.size());
    if (header_bytes_ > kMaxHeaderBytes) {
      return Fail(absl::ResourceExhaustedError(
          absl::StrCat("headers of more than ", kMaxHeaderBytes, " bytes")));
    }
    if (body_bytes_ == 0) head_.TakeLine(line);  // Trailers say nothing.
    return true;
  }

  bool TooLarge(int64_t bytes) {
    return Fail(absl::ResourceExhaustedError(
        absl::StrCat("the file is larger than ", limits_.max_bytes, " bytes (limit max_bytes)",
                     bytes > limits_.max_bytes ? absl::StrCat(": ", bytes) : "")));
  }

  // "bytes 5-9/10" as this hop asked for it. False with range_refused_ where another answer came.
  bool TakeRange(int64_t* total) {
    const std::vector<std::string> parts =
        absl::StrSplit(absl::StripPrefix(head_.content_range, "bytes "), absl::ByAnyChar("-/"));
    int64_t first = -1;
    const bool fits = parts.size() == 3 && absl::SimpleAtoi(parts[0], &first) &&
                      first == hop_.offset && hop_.offset > 0;
    const bool same_version = head_.validators.etag.empty() || request_.resume.etag.empty() ||
                              head_.validators.etag == request_.resume.etag;
    if (!fits || !same_version) {
      range_refused_ = hop_.offset > 0;
      return range_refused_ ? false
                            : Fail(absl::FailedPreconditionError(
                                  "the server sends a part that nobody asked for (status 206)"));
    }
    if (!absl::SimpleAtoi(parts[2], total)) *total = -1;
    return true;
  }

  // The body of 200 or 206 is about to come.
  bool BeginBody() {
    int64_t total = head_.content_length;
    int64_t offset = 0;
    if (head_.status == 206) {
      if (!TakeRange(&total)) return false;
      offset = hop_.offset;
    }
    if (total > limits_.max_bytes) return TooLarge(total);
    begun_ = true;
    begin_offset_ = offset;
    sink_failure_ = sink_.Begin(offset, total, head_.validators);
    return sink_failure_.ok();
  }

  bool OnBody(absl::string_view bytes) {
    last_byte_ = absl::Now();
    body_bytes_ += static_cast<int64_t>(bytes.size());
    if (head_.status != 200 && head_.status != 206) {
      if (refusal_.size() < kKeptRefusalBytes) {
        absl::StrAppend(&refusal_, bytes.substr(0, kKeptRefusalBytes - refusal_.size()));
      }
      if (body_bytes_ <= kMaxRefusalBytes) return true;
      // Enough was seen of it: what its status says is the error.
      refusal_cut_ = true;
      return false;
    }
    if (!begun_ && !BeginBody()) return false;
    if (begin_offset_ + body_bytes_ > limits_.max_bytes) return TooLarge(0);
    sink_failure_ = sink_.Write(bytes);
    return sink_failure_.ok();
  }

  // About once a second, and whenever bytes move.
  bool OnTick(int64_t moved) {
    const absl::Time now = absl::Now();
    if (moved != moved_) {
      moved_ = moved;
      last_byte_ = now;
    }
    if (now - last_byte_ > limits_.read) {
      return Fail(MarkRetryable(absl::DeadlineExceededError(
          absl::StrCat("not a byte in ", absl::FormatDuration(limits_.read), " (limit read)"))));
    }
    if (limits_.min_bytes_per_second > 0 && now - window_begin_ >= limits_.read) {
      const double seconds = absl::ToDoubleSeconds(now - window_begin_);
      if (static_cast<double>(moved - window_moved_) <
          seconds * static_cast<double>(limits_.min_bytes_per_second)) {
        return Fail(MarkRetryable(absl::DeadlineExceededError(
            absl::StrCat("slower than ", limits_.min_bytes_per_second,
                         " bytes a second (limit min_bytes_per_second)"))));
      }
      window_begin_ = now;
      window_moved_ = moved;
    }
    return true;
  }

  absl::Status TimeFailure() {
    curl_off_t until_transfer = 0;
    curl_easy_getinfo(curl_, CURLINFO_PRETRANSFER_TIME_T, &until_transfer);
    // curl counts in milliseconds: it may be a little early.
    const bool all_used = absl::Now() + absl::Milliseconds(20) >= hop_.deadline;
    const bool connecting = until_transfer == 0 && !all_used;
    return MarkRetryable(absl::DeadlineExceededError(
        connecting
            ? absl::StrCat("no connection in ", absl::FormatDuration(limits_.connect),
                           " (limit connect)")
            : absl::StrCat("not done in ", absl::FormatDuration(limits_.total), " (limit total)")));
  }

  absl::Status TransportFailure(CURLcode code) {
    if (refusal_cut_) return StatusFailure();
    const std::string text =
        error_text_[0] != '\0' ? std::string(error_text_) : curl_easy_strerror(code);
    switch (code) {
      case CURLE_OPERATION_TIMEDOUT:
        return TimeFailure();
      case CURLE_PARTIAL_FILE:
        return MarkRetryable(absl::DataLossError(text));
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_CERTPROBLEM:
      case CURLE_SSL_ISSUER_ERROR:
        return absl::FailedPreconditionError(text);
      case CURLE_URL_MALFORMAT:
      case CURLE_UNSUPPORTED_PROTOCOL:
        return absl::InvalidArgumentError(text);
      case CURLE_WEIRD_SERVER_REPLY:
        return absl::FailedPreconditionError(text);
      default:
        return MarkRetryable(absl::UnavailableError(text));
    }
  }

  absl::StatusOr<HopResult> Result(HopResult::Kind kind) {
    HopResult result;
    result.kind = kind;
    result.status = head_.status;
    return result;
  }

  absl::StatusOr<HopResult> Judge() {
    const int status = head_.status;
    if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) {
      char* location = nullptr;
      curl_easy_getinfo(curl_, CURLINFO_REDIRECT_URL, &location);
      if (location != nullptr) {
        HopResult result;
        result.kind = HopResult::Kind::kRedirect;
        result.status = status;
        result.location = location;
        return result;
      }
    }
    if (status == 416 && hop_.offset > 0) return Result(HopResult::Kind::kRangeRefused);
    if (status == 304 && !request_.if_changed.empty()) return Done(true);
    if (status != 200 && status != 206) return Annotate(StatusFailure(), hop_.shown);
    if (!begun_ && !BeginBody()) {
      if (!sink_failure_.ok()) return sink_failure_;
      if (!failure_.ok()) return Annotate(failure_, hop_.shown);
      return Result(HopResult::Kind::kRangeRefused);
    }
    return Done(false);
  }

  absl::StatusOr<HopResult> Done(bool not_modified) {
    HopResult result;
    result.status = head_.status;
    result.report.not_modified = not_modified;
    result.report.bytes = not_modified ? 0 : body_bytes_;
    result.report.validators = head_.validators;
    result.report.content_type = head_.content_type;
    long version = 0;
    curl_easy_getinfo(curl_, CURLINFO_HTTP_VERSION, &version);
    result.report.http_version = version == CURL_HTTP_VERSION_2_0   ? 20
                                 : version == CURL_HTTP_VERSION_1_0 ? 10
                                                                    : 11;
    return result;
  }

  absl::Status StatusFailure() const {
    const bool signed_by_us = request_.credential.kind == Credential::Kind::kAws;
    return RefusalOf(head_, refusal_, signed_by_us ? request_.aws_region : "");
  }

  CURL* const curl_;
  const HopRequest& hop_;
  const HttpRequest& request_;
  const HttpOptions& options_;
  const HttpLimits& limits_;
  Connector& connector_;
  BodySink& sink_;

  absl::Status prepared_;
  absl::optional<HttpProxy> proxy_;
  HeaderList headers_;
  HeaderList connect_to_;
  char error_text_[CURL_ERROR_SIZE] = {};

  ResponseHead head_;
  absl::Status failure_;
  absl::Status sink_failure_;
  bool begun_ = false;
  bool range_refused_ = false;
  bool refusal_cut_ = false;
  int64_t begin_offset_ = 0;
  int64_t header_bytes_ = 0;
  int64_t body_bytes_ = 0;
  std::string refusal_;
  int64_t moved_ = 0;
  int64_t window_moved_ = 0;
  absl::Time last_byte_;
  absl::Time window_begin_;
};

}  // namespace

std::string IfRange(const Validators& validators) {
  if (!validators.etag.empty()) {
    return absl::StartsWith(validators.etag, "W/") ? "" : validators.etag;
  }
  return validators.last_modified;
}

absl::StatusOr<HopResult> RunHop(CURL* curl, const HopRequest& hop, const HttpRequest& request,
                                 const HttpOptions& options, const HttpLimits& limits,
                                 Connector& connector, BodySink& sink) {
  return Hop(curl, hop, request, options, limits, connector, sink).Run();
}

}  // namespace cloister::artifact
