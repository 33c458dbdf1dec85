#include "libs/artifact/unpack.h"

#include <errno.h>
#include <locale.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/artifact/archive_reader.h"
#include "libs/artifact/entry_path.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

// Without it libarchive cannot convert names that are not ASCII.
class ScopedUtf8Locale {
 public:
  ScopedUtf8Locale() : made_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (made_ != nullptr) before_ = uselocale(made_);
  }
  ScopedUtf8Locale(const ScopedUtf8Locale&) = delete;
  ScopedUtf8Locale& operator=(const ScopedUtf8Locale&) = delete;
  ~ScopedUtf8Locale() {
    if (made_ == nullptr) return;
    uselocale(before_);
    freelocale(made_);
  }

 private:
  const locale_t made_;
  locale_t before_ = nullptr;
};

absl::Status Exhausted(absl::string_view what, absl::string_view limit, uint64_t value) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the archive ", what, " than the limit ", limit, " of ", value));
}

class Unpacking {
 public:
  Unpacking(int output, const UnpackOptions& options)
      : options_(options),
        clock_(options.clock == nullptr ? &real_clock_ : options.clock),
        end_(clock_->Monotonic() + options.limits.deadline),
        writer_(output, options.owner, 0755 & ~options.umask) {}

  absl::StatusOr<UnpackReport> Run(int archive_fd, ArchiveFormat format) {
    CLOISTER_ASSIGN_OR_RETURN(
        reader_, ArchiveReader::Open(archive_fd, format, [this] { return CheckDeadline(); }));
    single_ = IsSingleFile(format);
    ArchiveEntry entry;
    while (true) {
      CLOISTER_ASSIGN_OR_RETURN(const bool more, reader_->Next(&entry));
      if (!more) break;
      CLOISTER_RETURN_IF_ERROR(TakeEntry(entry));
    }
    if (entries_ == 0) {
      if (!single_) return absl::InvalidArgumentError("the archive is empty");
      CLOISTER_RETURN_IF_ERROR(TakeSingleFile(ArchiveEntry(), /*has_content=*/false));
    }
    CLOISTER_RETURN_IF_ERROR(writer_.Finish());
    report_.directories = writer_.directories();
    report_.bytes_in = std::max(report_.bytes_in, reader_->BytesIn());
    return report_;
  }

 private:
  absl::Status CheckDeadline() const {
    if (clock_->Monotonic() <= end_) return absl::OkStatus();
    return absl::DeadlineExceededError(
        absl::StrCat("unpacking the archive takes longer than the limit deadline of ",
                     absl::FormatDuration(options_.limits.deadline)));
  }

  // `bytes`: all content that came out, or will.
  absl::Status CheckBytes(uint64_t bytes) {
    if (bytes > options_.limits.bytes)
      return Exhausted("holds more bytes", "bytes", options_.limits.bytes);
    if (bytes <= kRatioFloorBytes) return absl::OkStatus();
    report_.bytes_in = std::max(report_.bytes_in, reader_->BytesIn());
    const uint64_t in = std::max<uint64_t>(report_.bytes_in, 1);
    if (bytes / in > options_.limits.ratio ||
        (bytes / in == options_.limits.ratio && bytes % in > 0))
      return Exhausted("unpacks to more bytes for each of its own", "ratio", options_.limits.ratio);
    return absl::OkStatus();
  }

  absl::Status CheckCount() {
    if (entries_ + implied() > options_.limits.files)
      return Exhausted("holds more files and directories", "files", options_.limits.files);
    return absl::OkStatus();
  }

  // Directories that no entry names: each entry may bring `depth` of them.
  uint64_t implied() const {
    return writer_.directories() - std::min(writer_.directories(), named_directories_);
  }

  absl::Status TakeEntry(const ArchiveEntry& entry) {
    ++entries_;
    CLOISTER_RETURN_IF_ERROR(CheckCount());
    CLOISTER_RETURN_IF_ERROR(CheckDeadline());
    if (entry.encrypted) {
      return absl::InvalidArgumentError(
          absl::StrCat("entry '", ShownPath(entry.path), "' is encrypted"));
    }
    if ((entry.mode & 07000) != 0) ++report_.dropped_bits;
    if (entry.has_extended_attributes) ++report_.dropped_attributes;
    if (single_) return TakeSingleFile(entry, /*has_content=*/true);
    CLOISTER_ASSIGN_OR_RETURN(
        const EntryPath path,
        ParseEntryPath(entry.path, options_.strip_components, options_.limits));
    if (entry.type == EntryType::kOther) {
      return absl::InvalidArgumentError(
          absl::StrCat("entry '", ShownPath(entry.path), "' is ", entry.other_type));
    }
    if (path.empty()) return Skip();
    CLOISTER_RETURN_IF_ERROR(CheckNames(path));
    CLOISTER_RETURN_IF_ERROR(MakeEntry(entry, path));
    return CheckCount();
  }

  absl::Status CheckNames(const EntryPath& path) const {
    if (options_.refused_name.empty()) return absl::OkStatus();
    for (const std::string& name : path) {
      if (!absl::EqualsIgnoreCase(name, options_.refused_name)) continue;
      return absl::InvalidArgumentError(absl::StrCat("entry '", ShownPath(path), "': the name '",
                                                     ShownPath(name),
                                                     "' is not allowed in a tree"));
    }
    return absl::OkStatus();
  }

  absl::Status MakeEntry(const ArchiveEntry& entry, const EntryPath& path) {
    EntryFacts facts{entry.mode & 0777 & ~options_.umask, absl::nullopt};
    if (entry.has_mtime) {
      facts.mtime = timespec{static_cast<time_t>(entry.mtime_seconds),
                             static_cast<long>(entry.mtime_nanoseconds)};
    }
    switch (entry.type) {
      case EntryType::kDirectory:
        ++named_directories_;
        return writer_.MakeDirectory(path, facts);
      case EntryType::kSymlink:
        return MakeSymlink(entry, path, facts);
      case EntryType::kHardLink:
        return MakeHardLink(entry, path);
      default:
        return MakeFile(entry, path, facts, /*has_content=*/true);
    }
  }

  absl::Status MakeSymlink(const ArchiveEntry& entry, const EntryPath& path,
                           const EntryFacts& facts) {
    absl::Status status = CheckLinkTarget(entry.target, static_cast<int>(path.size()) - 1);
    if (options_.links == LinkPolicy::kRefuse)
      status = absl::InvalidArgumentError("it is a symbolic link, and none are allowed here");
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("entry '", ShownPath(entry.path), "': ", status.message()));
    }
    ++report_.links;
    return writer_.MakeSymlink(path, entry.target, facts.mtime);
  }

  // Of a path in the archive, as the names of entries are.
  absl::Status MakeHardLink(const ArchiveEntry& entry, const EntryPath& path) {
    CLOISTER_ASSIGN_OR_RETURN(
        const EntryPath target,
        ParseEntryPath(entry.target, options_.strip_components, options_.limits));
    if (target.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("entry '", ShownPath(entry.path),
                                                     "' is a hard link to what does not come out"));
    }
    CLOISTER_ASSIGN_OR_RETURN(const uint64_t size, writer_.MakeHardLink(path, target));
    ++report_.links;
    // Whoever copies the tree pays for each name.
    CLOISTER_RETURN_IF_ERROR(CheckBytes(report_.bytes + size));
    report_.bytes += size;
    return absl::OkStatus();
  }

  absl::Status TakeSingleFile(const ArchiveEntry& entry, bool has_content) {
    CLOISTER_ASSIGN_OR_RETURN(const EntryPath path,
                              ParseEntryPath(options_.single_file_name, 0, options_.limits));
    if (path.size() != 1) return absl::InvalidArgumentError("the file has no name to unpack to");
    return MakeFile(entry, path, EntryFacts{0666 & ~options_.umask, absl::nullopt}, has_content);
  }

  absl::Status MakeFile(const ArchiveEntry& entry, const EntryPath& path, const EntryFacts& facts,
                        bool has_content) {
    // Before the first byte of a file that is too large.
    if (entry.has_size) CLOISTER_RETURN_IF_ERROR(CheckSize(entry.size));
    CLOISTER_ASSIGN_OR_RETURN(const OwnedFd fd, writer_.CreateFile(path, facts));
    uint64_t size = 0;
    if (has_content) {
      CLOISTER_ASSIGN_OR_RETURN(size, WriteContent(fd.get(), path));
    }
    if (entry.has_size && entry.size > size) {
      CLOISTER_RETURN_IF_ERROR(CheckBytes(report_.bytes + entry.size));
      // A hole at the end.
      if (ftruncate(fd.get(), static_cast<off_t>(entry.size)) != 0)
        return ErrnoStatus(errno, absl::StrCat("entry '", ShownPath(path), "'"));
      size = entry.size;
    }
    report_.bytes += size;
    ++report_.files;
    return writer_.FinishFile(path, fd.get(), facts);
  }

  // Of a size that is announced: the ratio is known when the bytes have been read.
  absl::Status CheckSize(uint64_t size) const {
    if (size > options_.limits.bytes - std::min(options_.limits.bytes, report_.bytes))
      return Exhausted("holds more bytes", "bytes", options_.limits.bytes);
    return absl::OkStatus();
  }

  // Gives the size up to the last byte written. `fd` < 0: only counts.
  absl::StatusOr<uint64_t> WriteContent(int fd, const EntryPath& path) {
    uint64_t size = 0;
    absl::string_view bytes;
    uint64_t offset = 0;
    while (true) {
      CLOISTER_ASSIGN_OR_RETURN(const bool more, reader_->ReadBlock(&bytes, &offset));
      if (!more) return size;
      CLOISTER_RETURN_IF_ERROR(CheckDeadline());
      size = std::max(size, offset + bytes.size());
      CLOISTER_RETURN_IF_ERROR(CheckBytes(report_.bytes + size));
      while (fd >= 0 && !bytes.empty()) {
        const ssize_t count = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return ErrnoStatus(errno, absl::StrCat("entry '", ShownPath(path), "'"));
        bytes.remove_prefix(static_cast<size_t>(count));
        offset += static_cast<uint64_t>(count);
      }
    }
  }

  // Of an entry that does not come out: its bytes cost as much to read.
  absl::Status Skip() {
    CLOISTER_ASSIGN_OR_RETURN(const uint64_t size, WriteContent(-1, {}));
    report_.bytes += size;
    return absl::OkStatus();
  }

  const UnpackOptions& options_;
  const RealClock real_clock_;
  const Clock* const clock_;
  const absl::Duration end_;
  std::unique_ptr<ArchiveReader> reader_;
  TreeWriter writer_;
  bool single_ = false;
  uint64_t entries_ = 0;
  uint64_t named_directories_ = 0;
  UnpackReport report_;
};

}  // namespace

absl::StatusOr<UnpackReport> Unpack(int archive_fd, ArchiveFormat format, int output_dirfd,
                                    const UnpackOptions& options) {
  const ScopedUtf8Locale locale;
  return Unpacking(output_dirfd, options).Run(archive_fd, format);
}

}  // namespace cloister::artifact
