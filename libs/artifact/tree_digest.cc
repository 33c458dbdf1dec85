#include "libs/artifact/tree_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/artifact/hasher.h"
#include "libs/artifact/tree_writer.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

class Digesting final : public TreeVisitor {
 public:
  absl::Status Visit(const WalkEntry& entry) override {
    const mode_t type = entry.facts.st_mode & S_IFMT;
    std::string content;
    if (type == S_IFREG) {
      CLOISTER_ASSIGN_OR_RETURN(content, FileDigest(entry));
    } else if (type == S_IFLNK) {
      char target[PATH_MAX];
      const ssize_t size = readlinkat(entry.parent, entry.name(), target, sizeof(target));
      if (size < 0) return ErrnoStatus(errno, absl::StrCat("'", ShownPath(entry.path), "'"));
      content.assign(target, static_cast<size_t>(size));
    } else if (type != S_IFDIR) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", ShownPath(entry.path), "' is a special file"));
    }
    // Each part with its length: no two trees give the same text.
    const std::string path = absl::StrJoin(entry.path, "/");
    hasher_.Update(absl::StrCat(path.size(), ":", path, type, ":", entry.facts.st_mode & 07777, ":",
                                content.size(), ":", content));
    return absl::OkStatus();
  }

  std::string Finish() { return HexOf(hasher_.Finish(), DigestAlgorithm::kSha256); }

 private:
  static absl::StatusOr<std::string> FileDigest(const WalkEntry& entry) {
    CLOISTER_ASSIGN_OR_RETURN(
        const OwnedFd fd,
        OpenBeneath(entry.parent, entry.name(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    CLOISTER_ASSIGN_OR_RETURN(const std::vector<Checksum> digests,
                              HashFile(fd.get(), absl::StrCat("'", ShownPath(entry.path), "'")));
    return HexOf(digests, DigestAlgorithm::kSha256);
  }

  Hasher hasher_;
};

}  // namespace

absl::StatusOr<std::string> TreeDigest(int top, const WalkLimits& limits) {
  Digesting digesting;
  CLOISTER_RETURN_IF_ERROR(WalkTree(top, limits, &digesting));
  return digesting.Finish();
}

}  // namespace cloister::artifact
