// One changeset of a Mercurial repository, as a tar. The server is spoken to by Download, through
// the Connector, and never by the hg program: that reads what came, from a file.
#ifndef CLOISTER_LIBS_ARTIFACT_HG_FETCH_H_
#define CLOISTER_LIBS_ARTIFACT_HG_FETCH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/artifact/connector.h"
#include "libs/artifact/credential.h"
#include "libs/artifact/download.h"
#include "libs/artifact/unpack_limits.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

struct HgFetchRequest {
  std::string url;  // http or https.
  // Branch, tag, bookmark or id. Empty: the branch `default`, else the tip.
  std::string rev;
  std::vector<std::pair<std::string, std::string>> headers;
  Credential credential;
  HttpOptions http;
  HttpLimits limits;
  absl::Time deadline;
  // Of the history, inflated: `bytes` and `ratio`.
  UnpackLimits unpack;
  // FindHgProgram(); empty: FAILED_PRECONDITION.
  std::string program;
  // An empty directory, by a path that this process and a program that it starts can use.
  std::string scratch;
  std::function<void(int64_t bytes)> on_progress;
  // All has been received.
  std::function<void()> on_received;
};

struct HgFetchReport {
  std::string node;
  int64_t bytes = 0;  // Of the history, as received.
  // A tar of the changeset's files.
  OwnedFd archive;
};

// Fetches the changeset that `rev` names, with its history (a server has no way to send it
// without), and makes a tar of its files. Headers and credential go to the origin of the URL only.
// Subrepos stay what stands in .hgsub.
absl::StatusOr<HgFetchReport> FetchHg(const HgFetchRequest& request, Connector& connector);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_HG_FETCH_H_
