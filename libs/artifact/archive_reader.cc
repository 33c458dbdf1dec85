#include "libs/artifact/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

// Stays in the cache of a core between read and write.
constexpr size_t kReadBytes = 128 << 10;

// The filter of each format, and how it is switched on.
struct Layers {
  int filter;
  int (*add_filter)(archive*);
  bool is_tar;
};

Layers LayersOf(ArchiveFormat format) {
  switch (format) {
    case ArchiveFormat::kTar:
    case ArchiveFormat::kZip:
      return {ARCHIVE_FILTER_NONE, nullptr, format == ArchiveFormat::kTar};
    case ArchiveFormat::kTarGz:
    case ArchiveFormat::kGz:
      return {ARCHIVE_FILTER_GZIP, archive_read_support_filter_gzip,
              format == ArchiveFormat::kTarGz};
    case ArchiveFormat::kTarBz2:
    case ArchiveFormat::kBz2:
      return {ARCHIVE_FILTER_BZIP2, archive_read_support_filter_bzip2,
              format == ArchiveFormat::kTarBz2};
    case ArchiveFormat::kTarXz:
    case ArchiveFormat::kXz:
      return {ARCHIVE_FILTER_XZ, archive_read_support_filter_xz, format == ArchiveFormat::kTarXz};
    case ArchiveFormat::kTarZst:
    case ArchiveFormat::kZst:
      return {ARCHIVE_FILTER_ZSTD, archive_read_support_filter_zstd,
              format == ArchiveFormat::kTarZst};
  }
  return {};
}

EntryType TypeOf(archive_entry* entry, ArchiveEntry* made) {
  if (const char* target = archive_entry_hardlink(entry); target != nullptr) {
    made->target = target;
    return EntryType::kHardLink;
  }
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return EntryType::kFile;
    case AE_IFDIR:
      return EntryType::kDirectory;
    case AE_IFLNK:
      if (const char* target = archive_entry_symlink(entry); target != nullptr)
        made->target = target;
      return EntryType::kSymlink;
    case AE_IFIFO:
      made->other_type = "a FIFO";
      break;
    case AE_IFSOCK:
      made->other_type = "a socket";
      break;
    case AE_IFCHR:
    case AE_IFBLK:
      made->other_type = "a device";
      break;
    default:
      made->other_type = "of a kind that is not known";
  }
  return EntryType::kOther;
}

void Fill(archive_entry* entry, ArchiveEntry* made) {
  *made = ArchiveEntry();
  // In a locale that cannot hold the name only one of the two has it.
  const char* path = archive_entry_pathname(entry);
  if (path == nullptr) path = archive_entry_pathname_utf8(entry);
  if (path != nullptr) made->path = path;
  made->type = TypeOf(entry, made);
  made->mode = archive_entry_perm(entry) & 07777;
  made->has_mtime = archive_entry_mtime_is_set(entry) != 0;
  made->mtime_seconds = archive_entry_mtime(entry);
  made->mtime_nanoseconds = archive_entry_mtime_nsec(entry);
  made->has_size = archive_entry_size_is_set(entry) != 0;
  const int64_t size = archive_entry_size(entry);
  made->size = made->has_size && size > 0 ? static_cast<uint64_t>(size) : 0;
  made->encrypted = archive_entry_is_encrypted(entry) != 0;
  made->has_extended_attributes =
      archive_entry_xattr_count(entry) > 0 || archive_entry_acl_types(entry) != 0;
}

}  // namespace

ArchiveReader::ArchiveReader(int fd, ArchiveFormat format,
                             std::function<absl::Status()> before_read)
    : fd_(fd),
      format_(format),
      before_read_(std::move(before_read)),
      buffer_(kReadBytes),
      archive_(archive_read_new()) {}

ArchiveReader::~ArchiveReader() {
  if (archive_ != nullptr) archive_read_free(archive_);
}

absl::StatusOr<std::unique_ptr<ArchiveReader>> ArchiveReader::Open(
    int fd, ArchiveFormat format, std::function<absl::Status()> before_read) {
  std::unique_ptr<ArchiveReader> reader(new ArchiveReader(fd, format, std::move(before_read)));
  CLOISTER_RETURN_IF_ERROR(reader->Start());
  return reader;
}

absl::Status ArchiveReader::Start() {
  if (archive_ == nullptr) return absl::ResourceExhaustedError("no memory to read an archive");
  if (lseek(fd_, 0, SEEK_SET) < 0) return ErrnoStatus(errno, "the archive's beginning");
  const Layers layers = LayersOf(format_);
  // ARCHIVE_WARN: by an external program, which nobody here may start.
  if (layers.add_filter != nullptr && layers.add_filter(archive_) != ARCHIVE_OK)
    return absl::UnimplementedError(
        absl::StrCat("this libarchive does not read ", ArchiveFormatName(format_), " by itself"));
  if (format_ == ArchiveFormat::kZip) {
    // The central directory is what a zip says it holds.
    archive_read_support_format_zip_seekable(archive_);
  } else if (layers.is_tar) {
    archive_read_support_format_tar(archive_);
  } else {
    archive_read_support_format_raw(archive_);
    archive_read_support_format_empty(archive_);
  }
  archive_read_set_callback_data(archive_, this);
  archive_read_set_read_callback(archive_, &ArchiveReader::OnRead);
  archive_read_set_seek_callback(archive_, &ArchiveReader::OnSeek);
  archive_read_set_skip_callback(archive_, &ArchiveReader::OnSkip);
  if (archive_read_open1(archive_) != ARCHIVE_OK) return Failure("the archive cannot be read");
  return absl::OkStatus();
}

// The one layer that was asked for: a gz in a gz in a gz is a bomb.
absl::Status ArchiveReader::CheckFilters() {
  const int filter = LayersOf(format_).filter;
  const int count = archive_filter_count(archive_);
  const int expected = filter == ARCHIVE_FILTER_NONE ? 1 : 2;
  if (count == expected && archive_filter_code(archive_, 0) == filter) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the archive is no ", ArchiveFormatName(format_),
                   count > expected ? ": it is compressed more than once" : ""));
}

absl::StatusOr<bool> ArchiveReader::Next(ArchiveEntry* entry) {
  archive_entry* header = nullptr;
  const int result = archive_read_next_header(archive_, &header);
  if (result == ARCHIVE_EOF) {
    if (!filters_checked_) CLOISTER_RETURN_IF_ERROR(CheckFilters());
    return false;
  }
  // ARCHIVE_WARN: something of the entry that is not restored anyway, or a name in another charset.
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
    return Failure(absl::StrCat("the archive is damaged or no ", ArchiveFormatName(format_)));
  if (!filters_checked_) {
    CLOISTER_RETURN_IF_ERROR(CheckFilters());
    filters_checked_ = true;
  }
  Fill(header, entry);
  return true;
}

absl::StatusOr<bool> ArchiveReader::ReadBlock(absl::string_view* bytes, uint64_t* offset) {
  const void* data = nullptr;
  size_t size = 0;
  int64_t place = 0;
  const int result = archive_read_data_block(archive_, &data, &size, &place);
  if (result == ARCHIVE_EOF) return false;
  if (result != ARCHIVE_OK) return Failure("the archive is damaged");
  if (place < 0) return absl::DataLossError("the archive is damaged: content before its beginning");
  *bytes = absl::string_view(static_cast<const char*>(data), size);
  *offset = static_cast<uint64_t>(place);
  return true;
}

uint64_t ArchiveReader::BytesIn() const {
  const int64_t bytes = archive_filter_bytes(archive_, -1);
  return bytes > 0 ? static_cast<uint64_t>(bytes) : 0;
}

absl::Status ArchiveReader::Failure(absl::string_view what) {
  if (!failure_.ok()) return failure_;
  const char* words = archive_error_string(archive_);
  const std::string message = absl::StrCat(
      what, ": ", absl::CHexEscape(absl::string_view(words == nullptr ? "unknown" : words)));
  if (archive_errno(archive_) == ENOMEM) return absl::ResourceExhaustedError(message);
  return absl::DataLossError(message);
}

ssize_t ArchiveReader::OnRead(archive* reader, void* self, const void** bytes) {
  auto* const that = static_cast<ArchiveReader*>(self);
  that->failure_ = that->before_read_();
  ssize_t count = -1;
  if (that->failure_.ok()) {
    do {
      count = read(that->fd_, that->buffer_.data(), kReadBytes);
    } while (count < 0 && errno == EINTR);
    if (count < 0) that->failure_ = ErrnoStatus(errno, "the archive");
  }
  if (count < 0) archive_set_error(reader, EIO, "read");
  *bytes = that->buffer_.data();
  return count;
}

int64_t ArchiveReader::OnSeek(archive* reader, void* self, int64_t offset, int whence) {
  auto* const that = static_cast<ArchiveReader*>(self);
  const off_t place = lseek(that->fd_, offset, whence);
  if (place >= 0) return place;
  archive_set_error(reader, errno, "seek");
  return ARCHIVE_FATAL;
}

int64_t ArchiveReader::OnSkip(archive* /*reader*/, void* self, int64_t bytes) {
  auto* const that = static_cast<ArchiveReader*>(self);
  // Not beyond the end: a truncated archive is to be seen as one.
  struct stat facts;
  const off_t place = lseek(that->fd_, 0, SEEK_CUR);
  if (place < 0 || fstat(that->fd_, &facts) != 0 || bytes > facts.st_size - place) return 0;
  return lseek(that->fd_, bytes, SEEK_CUR) < 0 ? 0 : bytes;
}

}  // namespace cloister::artifact
