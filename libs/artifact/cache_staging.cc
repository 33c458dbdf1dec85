#include "libs/artifact/cache_staging.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/base/errno_status.h"
#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"
#include "libs/state/tree_removal.h"

namespace cloister::artifact {

absl::StatusOr<CacheStaging> CacheStaging::Make(int staging) {
  CacheStaging made;
  made.name_ = RandomId();
  made.staging_.reset(fcntl(staging, F_DUPFD_CLOEXEC, 0));
  if (!made.staging_.valid()) return ErrnoStatus(errno, "the cache's staging directory");
  CLOISTER_ASSIGN_OR_RETURN(made.directory_, MakeDirectory(staging, made.name_, 0700, 0, 0));
  return made;
}

absl::StatusOr<int> CacheStaging::OpenContent() {
  if (!content_.valid()) {
    if (mkdirat(directory_.get(), "content", 0755) != 0 && errno != EEXIST) {
      return ErrnoStatus(errno, "'content'");
    }
    CLOISTER_ASSIGN_OR_RETURN(content_,
                              OpenBeneath(directory_.get(), "content", O_RDONLY | O_DIRECTORY));
  }
  return content_.get();
}

CacheStaging::~CacheStaging() {
  if (staging_.valid()) RemoveTree(staging_.get(), name_);
}

void RemoveTree(int parent, const std::string& name) {
  if (unlinkat(parent, name.c_str(), 0) == 0) return;
  const absl::StatusOr<OwnedFd> fd = OpenBeneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd.ok()) (void)state::RemoveContents(fd->get(), name, "");
  unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

}  // namespace cloister::artifact
