// One archive, entry by entry, by libarchive (archive_read(3)). Only the one format that was asked
// for is tried, in one layer of compression, and never by another program.
#ifndef CLOISTER_LIBS_ARTIFACT_ARCHIVE_READER_H_
#define CLOISTER_LIBS_ARTIFACT_ARCHIVE_READER_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/archive_format.h"
#include "libs/base/page_buffer.h"

struct archive;
struct archive_entry;

namespace cloister::artifact {

enum class EntryType { kFile, kDirectory, kSymlink, kHardLink, kOther };

// As the archive says it: nothing is checked.
struct ArchiveEntry {
  std::string path;
  EntryType type = EntryType::kOther;
  // "a FIFO": of kOther.
  absl::string_view other_type;
  // Of links.
  std::string target;
  // Permissions with set-id and sticky bits.
  mode_t mode = 0;
  int64_t mtime_seconds = 0;
  int64_t mtime_nanoseconds = 0;
  bool has_mtime = false;
  uint64_t size = 0;
  bool has_size = false;
  bool encrypted = false;
  bool has_extended_attributes = false;
};

class ArchiveReader {
 public:
  // Reads `fd` (borrowed, a regular file or a memfd) from its beginning; moves its offset.
  // `before_read` is asked before each read of it and ends the reading with its error.
  static absl::StatusOr<std::unique_ptr<ArchiveReader>> Open(
      int fd, ArchiveFormat format, std::function<absl::Status()> before_read);
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;
  ~ArchiveReader();

  // False at the end. DATA_LOSS if the archive is damaged or of another format.
  absl::StatusOr<bool> Next(ArchiveEntry* entry);

  // The next piece of the entry's content, valid until the next call; false at its end. Between
  // pieces there may be holes.
  absl::StatusOr<bool> ReadBlock(absl::string_view* bytes, uint64_t* offset);

  // Of the archive itself that have been read so far; of a zip the place that is being read.
  uint64_t BytesIn() const;

 private:
  ArchiveReader(int fd, ArchiveFormat format, std::function<absl::Status()> before_read);

  absl::Status Start();
  absl::Status CheckFilters();
  absl::Status Failure(absl::string_view what);
  static ssize_t OnRead(archive* reader, void* self, const void** bytes);
  static int64_t OnSeek(archive* reader, void* self, int64_t offset, int whence);
  static int64_t OnSkip(archive* reader, void* self, int64_t bytes);

  const int fd_;
  const ArchiveFormat format_;
  const std::function<absl::Status()> before_read_;
  const PageBuffer buffer_;
  archive* archive_;
  // Of before_read or read(2).
  absl::Status failure_;
  bool filters_checked_ = false;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_ARCHIVE_READER_H_
