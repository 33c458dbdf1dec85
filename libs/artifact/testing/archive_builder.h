// Archives for tests, also such as nobody means well with, by libarchive's writer.
#ifndef CLOISTER_LIBS_ARTIFACT_TESTING_ARCHIVE_BUILDER_H_
#define CLOISTER_LIBS_ARTIFACT_TESTING_ARCHIVE_BUILDER_H_

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/artifact/archive_format.h"
#include "libs/base/owned_fd.h"

struct archive;

namespace cloister::artifact {

// Fails the test where the writer does. Files are of mode 0644 and from the time 1000000000.
class ArchiveBuilder {
 public:
  explicit ArchiveBuilder(ArchiveFormat format);
  ArchiveBuilder(const ArchiveBuilder&) = delete;
  ArchiveBuilder& operator=(const ArchiveBuilder&) = delete;
  ~ArchiveBuilder();

  ArchiveBuilder& File(const std::string& path, absl::string_view content, mode_t mode = 0644);
  // `size` zeros, written through the compressor.
  ArchiveBuilder& Zeros(const std::string& path, uint64_t size);
  ArchiveBuilder& Directory(const std::string& path, mode_t mode = 0755);
  ArchiveBuilder& Symlink(const std::string& path, const std::string& target);
  ArchiveBuilder& HardLink(const std::string& path, const std::string& target);
  // S_IFIFO, S_IFCHR, S_IFBLK.
  ArchiveBuilder& Special(const std::string& path, mode_t type);
  // With user.x and security.capability.
  ArchiveBuilder& FileWithAttributes(const std::string& path);

  // The archive in a memfd. Once.
  OwnedFd Build();

 private:
  void Add(const std::string& path, mode_t mode, uint64_t size, absl::string_view link,
           bool hard_link = false);
  void Write(absl::string_view bytes);

  OwnedFd fd_;
  archive* writer_;
};

// The whole file from its beginning.
std::string Bytes(int fd);

// A tar with one file of `size` bytes that is all hole but its last byte (GNU's type 'S').
std::string SparseTar(const std::string& path, uint64_t size);

// A memfd with these bytes.
OwnedFd FileOf(absl::string_view bytes);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_TESTING_ARCHIVE_BUILDER_H_
