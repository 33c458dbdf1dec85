// Where an artifact comes from, as its `source` and `options` say it in the forms that go-getter
// understands. Pure: nothing is resolved, opened or fetched.
#ifndef CLOISTER_LIBS_ARTIFACT_ARTIFACT_SOURCE_H_
#define CLOISTER_LIBS_ARTIFACT_ARTIFACT_SOURCE_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/artifact/archive_format.h"
#include "libs/artifact/checksum.h"
#include "libs/artifact/unpack_limits.h"

namespace cloister::artifact {

enum class SourceKind { kHttp, kS3, kGcs, kGit, kHg, kFile };

// "http", "s3", "gcs", "git", "hg", "file".
absl::string_view SourceKindName(SourceKind kind);

struct GitRevision {
  // Branch, tag or commit. Empty: the remote's default branch. Never begins with "-".
  std::string ref;
  // 0: the whole history.
  int depth = 0;
  bool submodules = false;
};

struct S3Object {
  // Scheme and authority without the bucket: "https://s3.eu-west-1.amazonaws.com".
  std::string endpoint;
  std::string region;
  std::string bucket;
  // Decoded, without leading slash.
  std::string key;
  // Empty: the newest.
  std::string version;
  // True: <endpoint>/<bucket>/<key>; false: <bucket>.<endpoint>/<key>.
  bool path_style = false;
};

struct GcsObject {
  // "https://storage.googleapis.com".
  std::string endpoint;
  std::string bucket;
  // Decoded.
  std::string object;
  // 0: the newest.
  uint64_t generation = 0;
};

struct UnpackRequest {
  // Leading components of each path in the archive that are dropped.
  int strip_components = 0;
  // Taken from the modes in the archive.
  uint32_t umask = 022;
  LimitRequest limits;
};

struct ArtifactSource {
  SourceKind kind = SourceKind::kHttp;
  // What is fetched: without forced prefix, subdirectory and the parameters that are read here. Of
  // kGit "https://..." or "ssh://user@host/..."; of kFile "file:///..."; of kS3 and kGcs the
  // object's.
  std::string url;
  // Relative, clean, may hold one glob per component; empty: all.
  std::string subdir;
  absl::optional<ChecksumText> checksum;
  ArchiveChoice archive;
  // The name of a fetched file, one component: option `filename`, else of the URL's path (decoded).
  // Empty if neither says one.
  std::string file_name;
  GitRevision git;     // of kGit
  std::string hg_rev;  // of kHg; empty: tip
  S3Object s3;         // of kS3
  GcsObject gcs;       // of kGcs
  // Name of a credential of the node. Empty: none.
  std::string credentials;
  UnpackRequest unpack;
};

// Reads both; an option replaces the query parameter of its name.
//
//   [FORCED::]URL[//SUBDIR][?PARAMETERS]     FORCED: git, s3, gcs, hg, http, https, file
//   github.com/USER/REPO, gitlab.com/..., bitbucket.org/..., USER@HOST:PATH          are git
//   s3.amazonaws.com/..., www.googleapis.com/storage/v1/BUCKET/OBJECT     are S3 and GCS
//
// Parameters: archive, checksum, filename of every kind; ref, depth, submodules (git); rev (hg);
// region, version, endpoint style path_style (s3); generation (gcs). Only as options: credentials,
// strip_components, umask, max_bytes, max_ratio, max_files, max_depth, max_path_length, timeout.
// Others go with the URL to the server of kHttp, kGit and kHg and are refused elsewhere.
//
// INVALID_ARGUMENT with a FieldViolation of "source" or "options[NAME]" for each thing that is
// wrong. Credentials in the text (userinfo but the user of ssh, aws_access_key_id,
// aws_access_key_secret, aws_access_token, aws_profile, sshkey) are refused, and not repeated in
// the error.
absl::StatusOr<ArtifactSource> ParseArtifactSource(
    absl::string_view source, const std::map<std::string, std::string>& options);

// For messages and records: "git::https://h/repo.git//sub?ref=v1", by RedactedUrl.
std::string RedactedSource(const ArtifactSource& source);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_ARTIFACT_SOURCE_H_
