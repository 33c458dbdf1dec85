#include "libs/artifact/hg_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/hg_program.h"
#include "libs/artifact/hg_protocol.h"
#include "libs/artifact/inflating_file.h"
#include "libs/artifact/redacted_url.h"
#include "libs/artifact/text_sink.h"
#include "libs/artifact/url_parts.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

// Of an answer that is a text.
constexpr int64_t kMaxTextBytes = 64 << 10;
// What a server is asked first where no revision is named.
constexpr char kDefaultBranch[] = "default";
constexpr char kTip[] = "tip";

class HgFetch {
 public:
  HgFetch(const HgFetchRequest& request, Connector& connector)
      : request_(request), connector_(connector) {}

  absl::StatusOr<HgFetchReport> Run() {
    if (request_.program.empty()) {
      return absl::FailedPreconditionError(
          "this node has no program 'hg' (in /usr/bin or /usr/local/bin): Mercurial is not "
          "fetched");
    }
    CLOISTER_ASSIGN_OR_RETURN(own_, ParseUrl(request_.url));
    base_ = own_;
    std::string capabilities;
    CLOISTER_ASSIGN_OR_RETURN(capabilities, Ask("capabilities", {}));
    CLOISTER_RETURN_IF_ERROR(Annotate(CheckHgCapabilities(capabilities), Shown()));
    CLOISTER_ASSIGN_OR_RETURN(report_.node, FindNode());
    CLOISTER_RETURN_IF_ERROR(ReceiveBundle());
    if (request_.on_received) request_.on_received();
    CLOISTER_RETURN_IF_ERROR(Annotate(MakeArchive(), Shown()));
    return std::move(report_);
  }

 private:
  std::string Shown() const { return RedactedUrl(base_.ToString()); }
  std::string BundlePath() const { return request_.scratch + "/bundle"; }

  HttpRequest Request(const std::string& command, const Parameters& parameters) const {
    UrlParts url = base_;
    url.SetQuery("cmd", command);
    for (const auto& parameter : parameters) url.SetQuery(parameter.first, parameter.second);
    HttpRequest request;
    request.url = url.ToString();
    // Secrets go to the origin that they were given for, also where the repository has moved.
    if (SameOrigin(base_, own_)) {
      request.headers = request_.headers;
      request.credential = request_.credential;
    }
    // By these some servers tell Mercurial from a browser.
    request.headers.emplace_back("Accept", std::string(kHgMediaType));
    request.headers.emplace_back("User-Agent", "mercurial/proto-1.0 (cloister)");
    return request;
  }

  HttpLimits Limits() const {
    HttpLimits limits = request_.limits;
    limits.total = std::max(request_.deadline - absl::Now(), absl::ZeroDuration());
    return limits;
  }

  absl::Status CheckMediaType(const std::string& type) const {
    if (absl::StartsWith(type, kHgMediaType)) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat(Shown(), ": the server serves no Mercurial repository there (its answer is '",
                     absl::CHexEscape(type), "')"));
  }

  // A server that has moved says so first, and is asked at its new place from then on.
  absl::Status MoveTo(const std::string& final_url) {
    UrlParts url;
    CLOISTER_ASSIGN_OR_RETURN(url, ParseUrl(final_url));
    static_cast<void>(url.TakeQuery("cmd"));
    base_ = std::move(url);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Ask(const std::string& command, const Parameters& parameters) {
    HttpLimits limits = Limits();
    limits.max_bytes = kMaxTextBytes;
    TextSink sink;
    DownloadReport got;
    CLOISTER_ASSIGN_OR_RETURN(
        got, Download(Request(command, parameters), request_.http, limits, connector_, sink));
    CLOISTER_RETURN_IF_ERROR(CheckMediaType(got.content_type));
    if (got.redirects > 0) CLOISTER_RETURN_IF_ERROR(MoveTo(got.url));
    return sink.text();
  }

  absl::StatusOr<std::string> Lookup(const std::string& key) {
    std::string answer;
    CLOISTER_ASSIGN_OR_RETURN(answer, Ask("lookup", {{"key", key}}));
    return Annotate(ParseHgLookup(answer, key), Shown());
  }

  absl::StatusOr<std::string> FindNode() {
    if (request_.rev.empty()) {
      absl::StatusOr<std::string> node = Lookup(kDefaultBranch);
      return absl::IsNotFound(node.status()) ? Lookup(kTip) : node;
    }
    std::string node;
    CLOISTER_ASSIGN_OR_RETURN(node, Lookup(request_.rev));
    if (!IsHgNode(request_.rev) || node == request_.rev) return node;
    return absl::DataLossError(
        absl::StrCat(Shown(), ": the server says that the changeset ", request_.rev, " is ", node));
  }

  absl::Status ReceiveBundle() {
    const OwnedFd file(
        open(BundlePath().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return ErrnoStatus(errno, "file for the bundle");
    InflatingFile sink(file.get(), request_.unpack, Shown(), [this](int64_t bytes) {
      if (request_.on_progress) request_.on_progress(bytes);
    });
    DownloadReport got;
    CLOISTER_ASSIGN_OR_RETURN(got, Download(Request("getbundle", HgBundleParameters(report_.node)),
                                            request_.http, Limits(), connector_, sink));
    CLOISTER_RETURN_IF_ERROR(CheckMediaType(got.content_type));
    CLOISTER_RETURN_IF_ERROR(sink.Finish());
    report_.bytes = sink.received();
    std::string head(kHgBundleHeadBytes, '\0');
    const ssize_t size = pread(file.get(), &head[0], head.size(), 0);
    head.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    return Annotate(CheckHgBundleHead(head), Shown());
  }

  absl::Status MakeArchive() {
    HgArchive archive;
    archive.program = request_.program;
    archive.bundle = BundlePath();
    archive.node = report_.node;
    archive.scratch = request_.scratch;
    archive.tar = request_.scratch + "/tar";
    archive.deadline = request_.deadline;
    CLOISTER_RETURN_IF_ERROR(MakeHgArchive(archive));
    // What is unpacked next needs the place.
    unlink(BundlePath().c_str());
    report_.archive = OwnedFd(open(archive.tar.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    return report_.archive.valid() ? absl::OkStatus() : ErrnoStatus(errno, "archive of hg");
  }

  const HgFetchRequest& request_;
  Connector& connector_;
  UrlParts own_;
  UrlParts base_;
  HgFetchReport report_;
};

}  // namespace

absl::StatusOr<HgFetchReport> FetchHg(const HgFetchRequest& request, Connector& connector) {
  return HgFetch(request, connector).Run();
}

}  // namespace cloister::artifact
