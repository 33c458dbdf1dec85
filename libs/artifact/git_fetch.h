// One commit of a git repository, as files.
#ifndef CLOISTER_LIBS_ARTIFACT_GIT_FETCH_H_
#define CLOISTER_LIBS_ARTIFACT_GIT_FETCH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/connector.h"
#include "libs/artifact/credential.h"
#include "libs/artifact/download.h"
#include "libs/artifact/unpack_limits.h"

namespace cloister::artifact {

struct GitFetchRequest {
  std::string url;  // http, https or ssh.
  GitRevision revision;
  std::vector<std::pair<std::string, std::string>> headers;
  Credential credential;
  HttpOptions http;
  HttpLimits limits;
  absl::Time deadline;
  UnpackLimits unpack;
  mode_t umask = 022;
  // An empty directory for packs, by a path that this process can use.
  std::string scratch;
  std::function<void(int64_t bytes)> on_progress;
};

struct GitFetchReport {
  std::string commit;
  int64_t bytes = 0;  // Of packs.
};

// Fetches the commit that the revision names, one commit deep where the server can (so `depth` is a
// hint that changes nothing: there is no history in a tree), and writes its tree into `tree_dirfd`
// (borrowed, empty). No .git is made. Submodules only if asked for: by http, https and ssh, at most
// four levels and 64 of them; headers and credential go to the repository's own origin only.
absl::StatusOr<GitFetchReport> FetchGit(const GitFetchRequest& request, int tree_dirfd,
                                        Connector& connector);

// Once per process, before threads and forks: libgit2 and libssh2.
void PreloadGitFetch();

// The URL of a submodule as .gitmodules (`text`) gives it for `path`, made absolute by the
// repository's own. NOT_FOUND if it gives none.
absl::StatusOr<std::string> SubmoduleUrl(absl::string_view text, absl::string_view path,
                                         absl::string_view repository_url);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_GIT_FETCH_H_
