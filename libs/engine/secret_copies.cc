#include "libs/engine/secret_copies.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/artifact/tree_walk.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::engine {
namespace {

using internal::ArtifactPlan;
using internal::Mount;

constexpr char kSecrets[] = "/secrets";
constexpr uint64_t kPage = 4096;
constexpr uint32_t kDirectoryMode = 0755;

bool IsDirectory(const Mount& copy) { return copy.outside().empty() && copy.source().empty(); }

absl::StatusOr<std::string> LinkTarget(int parent, const char* name) {
  char target[PATH_MAX];
  const ssize_t size = readlinkat(parent, name, target, sizeof(target));
  if (size < 0) return ErrnoStatus(errno, absl::StrCat("link '", absl::CHexEscape(name), "'"));
  return std::string(target, static_cast<size_t>(size));
}

}  // namespace

// Of what lies in the cache for one artifact.
class SecretCopies::Visitor : public artifact::TreeVisitor {
 public:
  Visitor(SecretCopies* copies, const ArtifactPlan& plan, const std::string& outside)
      : copies_(copies), plan_(plan), outside_(outside) {}

  absl::Status Visit(const artifact::WalkEntry& entry) override {
    const std::string path = absl::StrJoin(entry.path, "/");
    Mount copy;
    copy.set_kind(Mount::KIND_COPIED);
    copy.set_inside(
        absl::StrCat(plan_.directory(), "/", plan_.file_name().empty() ? path : plan_.file_name()));
    copy.set_mode(entry.facts.st_mode & 0777);
    copy.set_owned(plan_.chown());
    if (S_ISLNK(entry.facts.st_mode)) {
      CLOISTER_ASSIGN_OR_RETURN(*copy.mutable_source(), LinkTarget(entry.parent, entry.name()));
    } else if (!S_ISDIR(entry.facts.st_mode)) {
      copy.set_outside(absl::StrCat(outside_, "/", path));
      copy.set_device(entry.facts.st_dev);
      copy.set_inode(entry.facts.st_ino);
    }
    const bool is_file = !copy.outside().empty();
    return copies_->Put(std::move(copy), is_file ? static_cast<uint64_t>(entry.facts.st_size) : 0);
  }

 private:
  SecretCopies* const copies_;
  const ArtifactPlan& plan_;
  const std::string& outside_;
};

absl::Status SecretCopies::Put(Mount copy, uint64_t size) {
  const std::string inside = copy.inside();
  const auto earlier = copies_.find(inside);
  if (earlier != copies_.end() && IsDirectory(earlier->second) != IsDirectory(copy)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", absl::CHexEscape(inside), "' is a directory in one artifact and none in another"));
  }
  // Two directories are one, and stay as they are.
  if (earlier == copies_.end() || !IsDirectory(copy)) {
    copies_[inside] = std::move(copy);
    sizes_[inside] = (size + kPage - 1) / kPage * kPage;
  }
  if (copies_.size() > kMaxSecretEntries) {
    return absl::FailedPreconditionError(
        absl::StrCat("/secrets takes ", kMaxSecretEntries, " files and directories at most"));
  }
  uint64_t all = 0;
  for (const auto& entry : sizes_) all += entry.second;
  if (all <= bytes_) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("does not fit into /secrets, which has ",
                                                    bytes_, " bytes (resources.secrets), with '",
                                                    absl::CHexEscape(inside), "' of ", size));
}

absl::Status SecretCopies::MakeParents(const ArtifactPlan& plan) {
  const std::string& path = plan.directory();
  for (size_t end = sizeof(kSecrets) - 1; end < path.size();) {
    end = path.find('/', end + 1);
    Mount directory;
    directory.set_kind(Mount::KIND_COPIED);
    directory.set_inside(path.substr(0, end));
    directory.set_mode(kDirectoryMode);
    directory.set_owned(true);
    CLOISTER_RETURN_IF_ERROR(Put(std::move(directory), 0));
  }
  return absl::OkStatus();
}

absl::Status SecretCopies::Add(const ArtifactPlan& plan, const plan::FetchedArtifact& fetched) {
  if (!plan.file_name().empty() && fetched.entries.size() != 1) {
    return absl::FailedPreconditionError("it is not one file");
  }
  CLOISTER_RETURN_IF_ERROR(MakeParents(plan));
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd content, OpenDirectory(fetched.outside));
  Visitor visitor(this, plan, fetched.outside);
  return artifact::WalkTree(content.get(), {}, &visitor);
}

std::vector<Mount> SecretCopies::Take() {
  std::vector<Mount> copies;
  for (auto& entry : copies_) copies.push_back(std::move(entry.second));
  copies_.clear();
  sizes_.clear();
  return copies;
}

uint64_t SecretsBytes(const internal::LaunchPlan& plan) {
  for (const Mount& mount : plan.mounts()) {
    if (mount.kind() == Mount::KIND_TMPFS && mount.inside() == kSecrets) return mount.size_bytes();
  }
  return 0;
}

}  // namespace cloister::engine
