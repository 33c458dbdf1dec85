// Fetches one artifact, the whole of it in one process: the checksum (or the list that has it),
// download, check, unpack, subdirectory. What comes out lies beneath a directory that nobody else
// can write. In production this runs in the fetcher's cell (services/fetcher); alone it is a
// library call, see examples/.
#ifndef CLOISTER_LIBS_ARTIFACT_FETCH_H_
#define CLOISTER_LIBS_ARTIFACT_FETCH_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/checksum.h"
#include "libs/artifact/connector.h"
#include "libs/artifact/credential.h"
#include "libs/artifact/download.h"
#include "libs/artifact/unpack_limits.h"

namespace cloister::artifact {

enum class FetchMode {
  kAny,   // A tree if it is an archive or a repository, else a file.
  kFile,  // One file: a compressed file is decompressed, an archive must hold exactly one file.
  kDir,   // A tree: a file that is no archive is refused.
};

struct FetchRequest {
  ArtifactSource source;
  // For HTTP sources: sent to the origin of the source only.
  std::vector<std::pair<std::string, std::string>> headers;
  Credential credential;
  FetchMode mode = FetchMode::kAny;
  HttpOptions http;
  HttpLimits limits;
  UnpackLimits unpack;  // Ceiling; the source's own requests are within it.
  // What output_dirfd has of an earlier try: `raw` holds the beginning of the version that this
  // names, and the transfer goes on from its end. Empty: from the beginning.
  Validators resume;
  // The fetch ends with FetchReport::not_modified if the server still has this version.
  Validators if_changed;
  // The path under which output_dirfd can be reached in this process and those that it starts, for
  // git (libgit2 takes paths) and hg. Empty: by /proc.
  std::string output_path;
  // A file source, opened by who may read it (OpenFileSource, file_source.h). Without it such
  // sources are refused. On loan.
  int file_fd = -1;
  // FindHgProgram() (hg_program.h). Without it sources of Mercurial are refused.
  std::string hg_program;
};

// Where the time went. Zero of phases that there were not.
struct FetchTimes {
  absl::Duration checksum_list;
  absl::Duration download;  // Hashing included: it is done while streaming.
  absl::Duration unpack;
  absl::Duration total;
};

struct FetchReport {
  bool not_modified = false;  // Then nothing below but `validators` is set, and no content made.
  // The content is output_dirfd's directory `content`: a tree, or a directory with this one file.
  bool is_tree = false;
  std::string file_name;
  // Of the raw bytes as received: always SHA-256, and what was asked for. Of a repository: empty,
  // and `commit` is set.
  std::string sha256;
  std::vector<Checksum> digests;
  std::string commit;
  // Of a directory of the node: SHA-256 of its tree (tree_digest.h); then sha256 is empty.
  std::string tree;
  int64_t bytes = 0;  // The size of the raw file, or of what was received of a repository.
  Validators validators;
  int redirects = 0;
  FetchTimes times;
};

// Told as it goes, on the fetching thread.
class FetchObserver {
 public:
  virtual ~FetchObserver() = default;
  enum class Phase { kChecksumList, kDownload, kUnpack };
  virtual void OnPhase(Phase /*phase*/) {}
  // `total` is -1 where the server does not say. At most ten times a second.
  virtual void OnProgress(int64_t /*bytes*/, int64_t /*total*/) {}
  // As soon as the server has said them: what a later try may pass as FetchRequest::resume.
  virtual void OnValidators(const Validators& /*validators*/) {}
};

// output_dirfd: a directory of the caller's that is empty, or (resume) holds `raw` alone. After
// success it holds `content` alone. After an error it may hold `raw`, and nothing else, if the
// error IsRetryable and OnValidators was called.
// Errors name the source redacted; IsRetryable (retryable.h) where trying again can help. A wrong
// digest is DATA_LOSS and gives both values.
// In the cell libgit2 needs only output_path, and nothing here needs a thread, a name lookup, an
// environment variable or a file outside output_dirfd, but kHg its program.
absl::StatusOr<FetchReport> Fetch(const FetchRequest& request, int output_dirfd,
                                  Connector& connector, FetchObserver& observer);

// Once per process, before threads and forks: libcurl, OpenSSL, libgit2, libssh2, libarchive. No
// certificates, no files.
void PreloadFetch();

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FETCH_H_
