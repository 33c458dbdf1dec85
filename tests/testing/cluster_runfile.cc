#include "tests/testing/cluster_runfile.h"

#include <stdlib.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace cloister {

absl::StatusOr<std::string> ClusterRunfile(const char* variable) {
  const char* const value = getenv(variable);
  const std::string path = value == nullptr ? "" : value;
  if (path.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(variable, " is not set: declare the test with cloister_cluster_test"));
  }
  // Programs of another repository are beside ours in the runfiles, and maybe beneath external/ as
  // well.
  absl::string_view beside = path;
  std::vector<std::string> places = {path};
  if (absl::ConsumePrefix(&beside, "external/"))
    places.insert(places.begin(), absl::StrCat("../", beside));
  for (const std::string& place : places) {
    // Links resolved: the path is used by processes with other working directories.
    char* const resolved = realpath(place.c_str(), nullptr);
    if (resolved == nullptr) continue;
    std::string result = resolved;
    free(resolved);
    return result;
  }
  return absl::NotFoundError(absl::StrCat(variable, ": no ", absl::StrJoin(places, ", no ")));
}

}  // namespace cloister
