#include "libs/artifact/testing/archive_builder.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace cloister::artifact {
namespace {

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

Entry MakeEntry(const std::string& path, mode_t mode, uint64_t size) {
  Entry entry(archive_entry_new());
  archive_entry_copy_pathname(entry.get(), path.c_str());
  archive_entry_set_mode(entry.get(), mode);
  archive_entry_set_size(entry.get(), static_cast<int64_t>(size));
  archive_entry_set_mtime(entry.get(), 1000000000, 0);
  return entry;
}

void AddFilter(archive* writer, ArchiveFormat format) {
  switch (format) {
    case ArchiveFormat::kTarGz:
    case ArchiveFormat::kGz:
      EXPECT_EQ(archive_write_add_filter_gzip(writer), ARCHIVE_OK);
      return;
    case ArchiveFormat::kTarBz2:
    case ArchiveFormat::kBz2:
      EXPECT_EQ(archive_write_add_filter_bzip2(writer), ARCHIVE_OK);
      return;
    case ArchiveFormat::kTarXz:
    case ArchiveFormat::kXz:
      EXPECT_EQ(archive_write_add_filter_xz(writer), ARCHIVE_OK);
      return;
    case ArchiveFormat::kTarZst:
    case ArchiveFormat::kZst:
      EXPECT_EQ(archive_write_add_filter_zstd(writer), ARCHIVE_OK);
      return;
    case ArchiveFormat::kTar:
    case ArchiveFormat::kZip:
      return;
  }
}

}  // namespace

ArchiveBuilder::ArchiveBuilder(ArchiveFormat format)
    : fd_(memfd_create("archive", MFD_CLOEXEC)), writer_(archive_write_new()) {
  setlocale(LC_CTYPE, "C.UTF-8");
  if (format == ArchiveFormat::kZip) {
    EXPECT_EQ(archive_write_set_format_zip(writer_), ARCHIVE_OK);
  } else if (IsSingleFile(format)) {
    EXPECT_EQ(archive_write_set_format_raw(writer_), ARCHIVE_OK);
  } else {
    EXPECT_EQ(archive_write_set_format_pax_restricted(writer_), ARCHIVE_OK);
  }
  AddFilter(writer_, format);
  EXPECT_EQ(archive_write_open_fd(writer_, fd_.get()), ARCHIVE_OK);
}

ArchiveBuilder::~ArchiveBuilder() { archive_write_free(writer_); }

void ArchiveBuilder::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = archive_write_data(writer_, bytes.data(), bytes.size());
    ASSERT_GT(count, 0) << archive_error_string(writer_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void ArchiveBuilder::Add(const std::string& path, mode_t mode, uint64_t size,
                         absl::string_view link, bool hard_link) {
  const Entry entry = MakeEntry(path, mode, size);
  if (hard_link) {
    archive_entry_copy_hardlink(entry.get(), std::string(link).c_str());
  } else if (!link.empty()) {
    archive_entry_copy_symlink(entry.get(), std::string(link).c_str());
  }
  EXPECT_EQ(archive_write_header(writer_, entry.get()), ARCHIVE_OK)
      << archive_error_string(writer_);
}

ArchiveBuilder& ArchiveBuilder::File(const std::string& path, absl::string_view content,
                                     mode_t mode) {
  Add(path, S_IFREG | mode, content.size(), "");
  Write(content);
  return *this;
}

ArchiveBuilder& ArchiveBuilder::Zeros(const std::string& path, uint64_t size) {
  Add(path, S_IFREG | 0644, size, "");
  const std::string block(1 << 20, '\0');
  for (uint64_t left = size; left > 0; left -= std::min<uint64_t>(left, block.size()))
    Write(absl::string_view(block).substr(0, left));
  return *this;
}

ArchiveBuilder& ArchiveBuilder::Directory(const std::string& path, mode_t mode) {
  Add(path, S_IFDIR | mode, 0, "");
  return *this;
}

ArchiveBuilder& ArchiveBuilder::Symlink(const std::string& path, const std::string& target) {
  Add(path, S_IFLNK | 0777, 0, target);
  return *this;
}

ArchiveBuilder& ArchiveBuilder::HardLink(const std::string& path, const std::string& target) {
  Add(path, S_IFREG | 0644, 0, target, /*hard_link=*/true);
  return *this;
}

ArchiveBuilder& ArchiveBuilder::Special(const std::string& path, mode_t type) {
  Add(path, type | 0644, 0, "");
  return *this;
}

ArchiveBuilder& ArchiveBuilder::FileWithAttributes(const std::string& path) {
  const Entry entry = MakeEntry(path, S_IFREG | 0755, 0);
  archive_entry_xattr_add_entry(entry.get(), "user.x", "1", 1);
  archive_entry_xattr_add_entry(entry.get(), "security.capability", "\1\0\0\2", 4);
  EXPECT_EQ(archive_write_header(writer_, entry.get()), ARCHIVE_OK)
      << archive_error_string(writer_);
  return *this;
}

OwnedFd ArchiveBuilder::Build() {
  EXPECT_EQ(archive_write_close(writer_), ARCHIVE_OK) << archive_error_string(writer_);
  return std::move(fd_);
}

std::string Bytes(int fd) {
  struct stat facts;
  EXPECT_EQ(fstat(fd, &facts), 0);
  std::string bytes(static_cast<size_t>(facts.st_size), '\0');
  EXPECT_EQ(pread(fd, bytes.data(), bytes.size(), 0), facts.st_size);
  return bytes;
}

std::string SparseTar(const std::string& path, uint64_t size) {
  std::string header(512, '\0');
  const auto put = [&](size_t place, const std::string& text) {
    header.replace(place, text.size(), text);
  };
  // Base 256, as GNU writes what does not fit in octal.
  const auto put_number = [&](size_t place, uint64_t value) {
    header[place] = '\x80';
    for (size_t i = 0; i < 8; ++i) header[place + 11 - i] = static_cast<char>(value >> (8 * i));
  };
  put(0, path);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put_number(124, 1);
  put(136, "07346545000");
  put(156, "S");
  put(257, "ustar  ");
  put_number(386, size - 1);
  put_number(398, 1);
  put_number(483, size);
  put(148, "        ");
  uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, absl::StrFormat("%06o", sum) + std::string(1, '\0'));
  return header + "x" + std::string(511 + 1024, '\0');
}

OwnedFd FileOf(absl::string_view bytes) {
  OwnedFd fd(memfd_create("bytes", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return fd;
}

}  // namespace cloister::artifact
