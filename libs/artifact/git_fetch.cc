#include "libs/artifact/git_fetch.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "libs/artifact/git_connection.h"
#include "libs/artifact/git_pack.h"
#include "libs/artifact/git_protocol.h"
#include "libs/artifact/redacted_url.h"
#include "libs/artifact/url_parts.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr int kMaxLevels = 4;
constexpr int kMaxSubmodules = 64;

class GitFetch {
 public:
  GitFetch(const GitFetchRequest& request, int tree_dirfd, Connector& connector)
      : request_(request),
        connector_(connector),
        writer_(tree_dirfd, absl::nullopt, 0777 & ~request.umask) {
    budget_.limits = request.unpack;
    budget_.umask = request.umask;
    budget_.deadline = request.deadline;
  }

  absl::StatusOr<GitFetchReport> Run() {
    UrlParts url;
    CLOISTER_ASSIGN_OR_RETURN(url, ParseUrl(request_.url));
    CLOISTER_ASSIGN_OR_RETURN(report_.commit, One(url, request_.revision.ref, {}, 0));
    CLOISTER_RETURN_IF_ERROR(writer_.Finish());
    return std::move(report_);
  }

 private:
  // Fetches `ref` of the repository and writes it below `prefix`. Gives the commit.
  absl::StatusOr<std::string> One(const UrlParts& url, const std::string& ref,
                                  const EntryPath& prefix, int level) {
    const std::string shown = RedactedUrl(url.ToString());
    const std::string directory = absl::StrCat(request_.scratch, "/", packs_++);
    if (mkdir(directory.c_str(), 0700) != 0) return ErrnoStatus(errno, "directory for the pack");
    GitEndpoint endpoint = Endpoint(url);
    absl::StatusOr<GitPack> pack = GitPack::Create(directory);
    if (!pack.ok()) return Annotate(pack.status(), shown);
    std::string id;
    CLOISTER_ASSIGN_OR_RETURN(id, Annotate(Receive(endpoint, ref, *pack), shown));
    std::string commit;
    CLOISTER_ASSIGN_OR_RETURN(commit, Annotate(pack->ResolveCommit(id), shown));
    std::vector<GitSubmodule> submodules;
    CLOISTER_RETURN_IF_ERROR(
        Annotate(pack->Checkout(commit, prefix, writer_, budget_, &submodules), shown));
    if (!request_.revision.submodules || submodules.empty()) return commit;
    std::string text;
    CLOISTER_ASSIGN_OR_RETURN(text, Annotate(pack->TopFile(commit, ".gitmodules"), shown));
    for (const GitSubmodule& submodule : submodules) {
      CLOISTER_RETURN_IF_ERROR(Annotate(FetchSubmodule(url, text, prefix, submodule, level), shown,
                                        ": submodule '", ShownPath(submodule.path), "'"));
    }
    return commit;
  }

  absl::Status FetchSubmodule(const UrlParts& parent, const std::string& text,
                              const EntryPath& prefix, const GitSubmodule& submodule, int level) {
    if (level + 1 > kMaxLevels || ++submodules_ > kMaxSubmodules) {
      return absl::ResourceExhaustedError(
          absl::StrCat("more than ", kMaxLevels, " levels or ", kMaxSubmodules, " submodules"));
    }
    const EntryPath within(submodule.path.begin() + static_cast<ptrdiff_t>(prefix.size()),
                           submodule.path.end());
    std::string text_url;
    CLOISTER_ASSIGN_OR_RETURN(text_url,
                              SubmoduleUrl(text, absl::StrJoin(within, "/"), parent.ToString()));
    UrlParts url;
    CLOISTER_ASSIGN_OR_RETURN(url, ParseUrl(text_url));
    return One(url, submodule.commit, submodule.path, level + 1).status();
  }

  GitEndpoint Endpoint(const UrlParts& url) const {
    GitEndpoint endpoint;
    endpoint.url = url;
    const absl::StatusOr<UrlParts> own = ParseUrl(request_.url);
    if (own.ok() && own->Origin() == url.Origin()) {
      endpoint.headers = request_.headers;
      endpoint.credential = request_.credential;
    }
    endpoint.http = request_.http;
    endpoint.limits = request_.limits;
    endpoint.limits.max_bytes = std::max<int64_t>(request_.limits.max_bytes - report_.bytes, 0);
    endpoint.deadline = request_.deadline;
    return endpoint;
  }

  // Gives the id of the commit or tag that `ref` is.
  absl::StatusOr<std::string> Receive(const GitEndpoint& endpoint, const std::string& ref,
                                      GitPack& pack) {
    std::unique_ptr<GitConnection> connection;
    CLOISTER_ASSIGN_OR_RETURN(connection, OpenGitConnection(endpoint, connector_));
    GitAdvertisement advertisement;
    CLOISTER_ASSIGN_OR_RETURN(advertisement, connection->ReadAdvertisement());
    GitWant want;
    CLOISTER_ASSIGN_OR_RETURN(want, ChooseWant(advertisement, ref));
    std::string ask;
    CLOISTER_ASSIGN_OR_RETURN(ask, UploadPackRequest(advertisement, want));
    PackReader reader(want.shallow, [&](absl::string_view bytes) {
      report_.bytes += static_cast<int64_t>(bytes.size());
      if (request_.on_progress) request_.on_progress(report_.bytes);
      return pack.Append(bytes);
    });
    CLOISTER_RETURN_IF_ERROR(connection->Exchange(
        ask, [&](absl::string_view bytes) { return reader.Feed(bytes); },
        [&] { return reader.whole(); }));
    CLOISTER_RETURN_IF_ERROR(pack.Finish());
    return want.id;
  }

  const GitFetchRequest& request_;
  Connector& connector_;
  TreeWriter writer_;
  GitBudget budget_;
  GitFetchReport report_;
  int packs_ = 0;
  int submodules_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GitConnection>> OpenGitConnection(const GitEndpoint& endpoint,
                                                                 Connector& connector) {
  const std::string& scheme = endpoint.url.scheme;
  if (scheme == "ssh") return OpenSshGitConnection(endpoint, connector);
  if (scheme == "http" || scheme == "https") return MakeHttpGitConnection(endpoint, connector);
  return absl::PermissionDeniedError(
      absl::StrCat("scheme '", scheme, "' is not fetched by git here: http, https and ssh are"));
}

absl::StatusOr<std::string> SubmoduleUrl(absl::string_view text, absl::string_view path,
                                         absl::string_view repository_url) {
  std::string url;
  bool in_submodule = false;
  bool is_ours = false;
  std::string section_url;
  const auto end_section = [&] {
    if (in_submodule && is_ours) url = section_url;
    is_ours = false;
    section_url.clear();
  };
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(line, "[")) {
      end_section();
      in_submodule = absl::StartsWith(line, "[submodule ");
      continue;
    }
    const size_t equals = line.find('=');
    if (!in_submodule || equals == absl::string_view::npos) continue;
    const absl::string_view key = absl::StripAsciiWhitespace(line.substr(0, equals));
    const absl::string_view value = absl::StripAsciiWhitespace(line.substr(equals + 1));
    if (absl::EqualsIgnoreCase(key, "path")) is_ours = value == path;
    if (absl::EqualsIgnoreCase(key, "url")) section_url = std::string(value);
  }
  end_section();
  if (url.empty()) return absl::NotFoundError(".gitmodules gives no URL for it");
  if (!absl::StartsWith(url, "./") && !absl::StartsWith(url, "../")) return url;
  UrlParts parent;
  CLOISTER_ASSIGN_OR_RETURN(parent, ParseUrl(repository_url));
  std::vector<std::string> parts = absl::StrSplit(parent.path, '/', absl::SkipEmpty());
  for (const absl::string_view part : absl::StrSplit(url, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.push_back(std::string(part));
    } else if (!parts.empty()) {
      parts.pop_back();
    } else {
      return absl::InvalidArgumentError(".gitmodules gives a URL above the server's root");
    }
  }
  parent.path = absl::StrCat("/", absl::StrJoin(parts, "/"));
  parent.query.clear();
  return parent.ToString();
}

absl::StatusOr<GitFetchReport> FetchGit(const GitFetchRequest& request, int tree_dirfd,
                                        Connector& connector) {
  return GitFetch(request, tree_dirfd, connector).Run();
}

}  // namespace cloister::artifact
