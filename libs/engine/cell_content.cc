#include "libs/engine/cell_content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::engine {

absl::StatusOr<std::vector<plan::FetchedEntry>> EntriesOf(int content) {
  OwnedFd fd(openat(content, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "what is cached");
  DIR* stream = fdopendir(fd.get());
  if (stream == nullptr) return ErrnoStatus(errno, "what is cached");
  (void)fd.Release();
  const absl::Cleanup close = [stream] { closedir(stream); };
  std::vector<plan::FetchedEntry> entries;
  // With more, it is copied as a whole, or mounted as one.
  while (entries.size() <= plan::kMaxCachedMounts) {
    errno = 0;
    const dirent* entry = readdir(stream);
    if (entry == nullptr && errno != 0) return ErrnoStatus(errno, "what is cached");
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status;
    if (fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return ErrnoStatus(errno, "what is cached");
    }
    entries.push_back(
        {name, S_ISDIR(status.st_mode), S_ISLNK(status.st_mode), status.st_dev, status.st_ino});
  }
  std::sort(
      entries.begin(), entries.end(),
      [](const plan::FetchedEntry& a, const plan::FetchedEntry& b) { return a.name < b.name; });
  return entries;
}

absl::Status MakeProgram(int content) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<plan::FetchedEntry> entries, EntriesOf(content));
  if (entries.size() != 1) return absl::InvalidArgumentError("the cell has not left one file");
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd file, OpenBeneath(content, entries.front().name,
                                                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat facts;
  if (fstat(file.get(), &facts) != 0) return ErrnoStatus(errno, "the file");
  if (!S_ISREG(facts.st_mode)) return absl::InvalidArgumentError("the cell has not left one file");
  if (fchmod(file.get(), 0755) != 0) return ErrnoStatus(errno, "the file");
  return absl::OkStatus();
}

absl::Status CheckTree(const artifact::TreeFacts& tree, bool is_tree,
                       const node::ArtifactPolicy& policy) {
  // One file may also be as it came.
  const uint64_t bytes =
      is_tree ? policy.unpack.bytes : std::max(policy.unpack.bytes, policy.max_download_bytes);
  if (tree.bytes > bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the cell has left ", tree.bytes, " bytes, over the limit of ", bytes));
  }
  return absl::OkStatus();
}

absl::Status CheckDigest(const std::string& asked, const std::vector<std::string>& digests) {
  if (asked.empty()) return absl::OkStatus();
  if (std::find(digests.begin(), digests.end(), asked) != digests.end()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("it has the digest ", digests.front(), ", not ", asked));
}

}  // namespace cloister::engine
