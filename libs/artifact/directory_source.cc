#include "libs/artifact/directory_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/copy_tree.h"
#include "libs/artifact/entry_path.h"
#include "libs/artifact/subdirectory.h"
#include "libs/artifact/tree_digest.h"
#include "libs/artifact/tree_walk.h"
#include "libs/artifact/tree_writer.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

constexpr char kContent[] = "content";

absl::Status Over(absl::string_view what, absl::string_view limit, uint64_t value) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the directory ", what, " than the limit ", limit, " of ", value));
}

// Before anything is copied. The same is found again by who adopts the copy; this names the limit
// and fills no disk.
class Judging final : public TreeVisitor {
 public:
  Judging(const UnpackLimits& limits, const std::function<absl::Status()>& check)
      : limits_(limits), check_(check) {}

  absl::Status Visit(const WalkEntry& entry) override {
    CLOISTER_RETURN_IF_ERROR(check_());
    if (++entries_ > limits_.files) {
      return Over("holds more files and directories", "files", limits_.files);
    }
    if (entry.path.size() > limits_.depth) return Over("is deeper", "depth", limits_.depth);
    if (S_ISLNK(entry.facts.st_mode)) return CheckLink(entry);
    if (!S_ISREG(entry.facts.st_mode)) return absl::OkStatus();
    bytes_ += static_cast<uint64_t>(std::max<off_t>(0, entry.facts.st_size));
    if (bytes_ > limits_.bytes) return Over("holds more bytes", "bytes", limits_.bytes);
    return absl::OkStatus();
  }

  uint64_t bytes() const { return bytes_; }

 private:
  static absl::Status CheckLink(const WalkEntry& entry) {
    char target[PATH_MAX];
    const ssize_t size = readlinkat(entry.parent, entry.name(), target, sizeof(target));
    const std::string what = absl::StrCat("'", ShownPath(entry.path), "'");
    if (size < 0) return ErrnoStatus(errno, what);
    const absl::Status status =
        CheckLinkTarget(std::string(target, static_cast<size_t>(size)), entry.depth());
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat(what, ": ", status.message()));
  }

  const UnpackLimits& limits_;
  const std::function<absl::Status()>& check_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
};

absl::Status CheckRequest(const FetchRequest& request, bool is_directory) {
  const ArtifactSource& source = request.source;
  const auto refuse = [](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("it is a directory of the node: ", what));
  };
  if (source.checksum.has_value()) return refuse("it has no checksum");
  if (source.archive.kind == ArchiveChoice::Kind::kFormat) return refuse("it is no archive");
  if (source.unpack.strip_components != 0) return refuse("strip_components is for archives");
  if (request.mode == FetchMode::kFile && is_directory) return refuse("mode file wants a file");
  if (request.mode == FetchMode::kDir && !is_directory) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", source.subdir, "' is a file, and mode dir wants a directory"));
  }
  return absl::OkStatus();
}

absl::Status CopyOne(const SelectedEntry& selected, int output, const CopyOptions& options,
                     const UnpackLimits& limits, FetchReport* report) {
  struct stat facts;
  if (fstat(selected.fd.get(), &facts) != 0) return ErrnoStatus(errno, selected.path);
  report->bytes = facts.st_size;
  if (static_cast<uint64_t>(facts.st_size) > limits.bytes) {
    return Over("holds more bytes", "bytes", limits.bytes);
  }
  report->file_name = selected.path.substr(selected.path.rfind('/') + 1);
  return CopyFile(selected.fd.get(), output, absl::StrCat(kContent, "/", report->file_name),
                  options);
}

}  // namespace

absl::StatusOr<FetchReport> CopyDirectorySource(const FetchRequest& request, int source,
                                                int output_dirfd,
                                                const std::function<absl::Status()>& check) {
  const absl::Time begin = absl::Now();
  CLOISTER_ASSIGN_OR_RETURN(const UnpackLimits limits,
                            ApplyLimits(request.source.unpack.limits, request.unpack));
  CLOISTER_ASSIGN_OR_RETURN(const SelectedEntry selected,
                            SelectSubdirectory(source, request.source.subdir));
  CLOISTER_RETURN_IF_ERROR(CheckRequest(request, selected.is_directory));
  FetchReport report;
  report.is_tree = selected.is_directory;
  CopyOptions options;
  options.check = check;
  if (selected.is_directory) {
    Judging judging(limits, check);
    CLOISTER_RETURN_IF_ERROR(WalkTree(selected.fd.get(), options.limits, &judging));
    report.bytes = static_cast<int64_t>(judging.bytes());
    CLOISTER_RETURN_IF_ERROR(CopyTree(selected.fd.get(), output_dirfd, kContent, options));
  } else {
    CLOISTER_RETURN_IF_ERROR(CopyOne(selected, output_dirfd, options, limits, &report));
  }
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd content,
                            OpenBeneath(output_dirfd, kContent, O_RDONLY | O_DIRECTORY));
  CLOISTER_ASSIGN_OR_RETURN(report.tree, TreeDigest(content.get()));
  report.times.download = report.times.total = absl::Now() - begin;
  return report;
}

}  // namespace cloister::artifact
