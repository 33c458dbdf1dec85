#include "libs/artifact/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/url_parts.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

absl::Status CheckKind(int fd, const std::string& path) {
  struct stat facts;
  if (fstat(fd, &facts) != 0) return ErrnoStatus(errno, absl::StrCat("'", path, "'"));
  if (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("file '", path, "': is neither a regular file nor a directory"));
}

}  // namespace

absl::StatusOr<OwnedFd> OpenFileSource(int root, absl::string_view url,
                                       const std::vector<std::string>& allowed) {
  UrlParts parts;
  CLOISTER_ASSIGN_OR_RETURN(parts, ParseUrl(url));
  if (parts.scheme != "file" || (!parts.host.empty() && parts.host != "localhost")) {
    return absl::InvalidArgumentError("a file source is file:///path");
  }
  std::string path;
  CLOISTER_ASSIGN_OR_RETURN(path, PercentDecode(parts.path, false));
  const std::string clean = CleanPath(path);
  // Said before anything is looked at: whether a file is there is not for everybody to know.
  const bool listed =
      absl::StartsWith(clean, "/") &&
      std::any_of(allowed.begin(), allowed.end(), [&](const std::string& directory) {
        return absl::StartsWith(directory, "/") && clean != CleanPath(directory) &&
               IsBeneath(clean, CleanPath(directory));
      });
  if (!listed) {
    return absl::PermissionDeniedError(absl::StrCat(
        "file '", clean, "': is not beneath a directory that the node lists for file sources"));
  }
  const std::string relative = clean.substr(1);
  // By O_PATH first: a device is not opened to see that it is one.
  OwnedFd looked;
  CLOISTER_ASSIGN_OR_RETURN(looked, OpenBeneath(root, relative, O_PATH));
  CLOISTER_RETURN_IF_ERROR(CheckKind(looked.get(), clean));
  OwnedFd fd;
  CLOISTER_ASSIGN_OR_RETURN(fd, OpenBeneath(root, relative, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  CLOISTER_RETURN_IF_ERROR(CheckKind(fd.get(), clean));
  return fd;
}

}  // namespace cloister::artifact
