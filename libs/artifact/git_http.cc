#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/git_connection.h"
#include "libs/artifact/redacted_url.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr char kReferences[] = "/info/refs";
constexpr char kService[] = "git-upload-pack";

class FunctionSink : public BodySink {
 public:
  explicit FunctionSink(GitConnection::OnBytes on_bytes) : on_bytes_(std::move(on_bytes)) {}
  absl::Status Begin(int64_t, int64_t, const Validators&) override { return absl::OkStatus(); }
  absl::Status Write(absl::string_view bytes) override { return on_bytes_(bytes); }

 private:
  const GitConnection::OnBytes on_bytes_;
};

class HttpGitConnection : public GitConnection {
 public:
  HttpGitConnection(const GitEndpoint& endpoint, Connector& connector)
      : endpoint_(endpoint), connector_(connector), base_(endpoint.url) {
    while (absl::EndsWith(base_.path, "/")) base_.path.pop_back();
    base_.fragment.clear();
  }

  absl::StatusOr<GitAdvertisement> ReadAdvertisement() override {
    UrlParts url = base_;
    url.path += kReferences;
    url.SetQuery("service", kService);
    HttpRequest request = Request(url);
    AdvertisementReader reader(true);
    bool whole = false;
    FunctionSink sink([&](absl::string_view bytes) -> absl::Status {
      CLOISTER_ASSIGN_OR_RETURN(whole, reader.Feed(bytes));
      return absl::OkStatus();
    });
    absl::StatusOr<DownloadReport> got =
        Download(request, endpoint_.http, Limits(), connector_, sink);
    if (!got.ok()) return got.status();
    if (got->content_type != "application/x-git-upload-pack-advertisement" || !whole) {
      return absl::FailedPreconditionError(
          absl::StrCat(RedactedUrl(base_.ToString()),
                       ": the server serves no git repository there by the smart HTTP protocol"));
    }
    if (got->redirects > 0) CLOISTER_RETURN_IF_ERROR(MoveTo(got->url));
    return reader.advertisement();
  }

  absl::Status Exchange(const std::string& body, const OnBytes& on_bytes,
                        const std::function<bool()>& whole) override {
    UrlParts url = base_;
    url.path += absl::StrCat("/", kService);
    HttpRequest request = Request(url);
    request.post = true;
    request.body = body;
    request.headers.emplace_back("Content-Type", "application/x-git-upload-pack-request");
    request.headers.emplace_back("Accept", "application/x-git-upload-pack-result");
    FunctionSink sink(on_bytes);
    CLOISTER_RETURN_IF_ERROR(
        Download(request, endpoint_.http, Limits(), connector_, sink).status());
    if (whole()) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat(RedactedUrl(base_.ToString()), ": the answer ends within the pack"));
  }

 private:
  // Secrets go to the origin that they were given for, also where the repository has moved.
  HttpRequest Request(const UrlParts& url) const {
    HttpRequest request;
    request.url = url.ToString();
    const UrlParts& own = endpoint_.url;
    if (SameOrigin(url, own)) {
      request.headers = endpoint_.headers;
      request.credential = endpoint_.credential;
    }
    return request;
  }

  HttpLimits Limits() const {
    HttpLimits limits = endpoint_.limits;
    limits.total = std::max(endpoint_.deadline - absl::Now(), absl::ZeroDuration());
    return limits;
  }

  absl::Status MoveTo(const std::string& final_url) {
    UrlParts url;
    CLOISTER_ASSIGN_OR_RETURN(url, ParseUrl(final_url));
    if (!absl::EndsWith(url.path, kReferences)) {
      return absl::FailedPreconditionError(
          absl::StrCat(RedactedUrl(base_.ToString()),
                       ": redirected to what is no repository: ", RedactedUrl(final_url)));
    }
    url.path.resize(url.path.size() - (sizeof(kReferences) - 1));
    static_cast<void>(url.TakeQuery("service"));
    base_ = std::move(url);
    return absl::OkStatus();
  }

  const GitEndpoint& endpoint_;
  Connector& connector_;
  UrlParts base_;
};

}  // namespace

std::unique_ptr<GitConnection> MakeHttpGitConnection(const GitEndpoint& endpoint,
                                                     Connector& connector) {
  return std::make_unique<HttpGitConnection>(endpoint, connector);
}

}  // namespace cloister::artifact
