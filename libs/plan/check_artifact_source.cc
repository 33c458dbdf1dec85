#include "libs/plan/check_artifact_source.h"

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/artifact/egress_policy.h"
#include "libs/artifact/url_parts.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"

namespace cloister::plan {
namespace {

using artifact::ArtifactSource;
using artifact::SourceKind;
using artifact::UrlParts;

// Whom the request goes to; of objects that is the endpoint, whatever the bucket.
absl::StatusOr<UrlParts> ServerOf(const ArtifactSource& source) {
  if (source.kind == SourceKind::kS3) return artifact::ParseUrl(source.s3.endpoint);
  if (source.kind == SourceKind::kGcs) return artifact::ParseUrl(source.gcs.endpoint);
  return artifact::ParseUrl(source.url);
}

absl::Status CheckFile(const UrlParts& url, const node::ArtifactPolicy& policy) {
  const absl::StatusOr<std::string> path = artifact::PercentDecode(url.path, /*plus=*/false);
  if (!path.ok()) return path.status();
  const auto holds = [&](const std::string& dir) { return IsBeneath(CleanPath(*path), dir); };
  const auto& allowed = policy.file_sources;
  if (std::any_of(allowed.begin(), allowed.end(), holds)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "'", absl::CHexEscape(*path), "': this node fetches ",
      allowed.empty() ? "no files of its own (its policy has no file_sources)"
                      : absl::StrCat("files of its own only from ", absl::StrJoin(allowed, ", "))));
}

// Of the list that the digest is read from, if there is one; "" else. What it is allowed to name is
// said where it is read.
std::string SchemeOfList(const ArtifactSource& source) {
  if (!source.checksum.has_value() || source.checksum->list_source.empty()) return "";
  const absl::StatusOr<ArtifactSource> list =
      artifact::ParseArtifactSource(source.checksum->list_source, {});
  if (!list.ok()) return "";
  const absl::StatusOr<UrlParts> server = ServerOf(*list);
  return server.ok() ? server->scheme : "";
}

// What travels by http is read by all on the way, and so is what it is checked by changed by them.
absl::Status CheckEncrypted(const ArtifactSource& source, const UrlParts& url,
                            const node::ArtifactCredential& credential) {
  if (credential.allow_http) return absl::OkStatus();
  const bool of_list = url.scheme != "http";
  if (of_list && SchemeOfList(source) != "http") return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("credentials '", absl::CHexEscape(source.credentials),
                   "' of this node do not go with plain http",
                   of_list ? ", by which the list of checksums is fetched" : "",
                   ": take https (the node's policy has no allow_http for them)"));
}

absl::Status CheckCredentials(const ArtifactSource& source, const UrlParts& url,
                              const node::ArtifactPolicy& policy) {
  if (source.credentials.empty()) return absl::OkStatus();
  const std::string shown = absl::CHexEscape(source.credentials);
  for (const node::ArtifactCredential& credential : policy.credentials) {
    if (credential.name != source.credentials) continue;
    artifact::EgressPolicy hosts = policy.egress;
    hosts.allowed_hosts = credential.hosts;
    if (artifact::CheckDestination(hosts, url.scheme, url.host, url.EffectivePort()).ok()) {
      return CheckEncrypted(source, url, credential);
    }
    return absl::PermissionDeniedError(absl::StrCat(
        "credentials '", shown, "' of this node go to ", absl::StrJoin(credential.hosts, ", "),
        " only, not to '", absl::CHexEscape(url.host), "'"));
  }
  return absl::PermissionDeniedError(
      absl::StrCat("this node has no credentials '", shown, "' for artifacts"));
}

}  // namespace

absl::Status CheckArtifactSource(const ArtifactSource& source, const node::ArtifactPolicy& policy) {
  if (!policy.enabled) {
    return absl::PermissionDeniedError("this node fetches no artifacts (its policy says so)");
  }
  if (source.kind == SourceKind::kHg && !policy.allow_hg) {
    return absl::PermissionDeniedError(
        "this node fetches no Mercurial repositories (its policy has no allow_hg)");
  }
  CLOISTER_ASSIGN_OR_RETURN(const UrlParts url, ServerOf(source));
  if (source.kind == SourceKind::kFile) return CheckFile(url, policy);
  CLOISTER_RETURN_IF_ERROR(
      artifact::CheckDestination(policy.egress, url.scheme, url.host, url.EffectivePort()));
  return CheckCredentials(source, url, policy);
}

}  // namespace cloister::plan
