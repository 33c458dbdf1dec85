#include "libs/state/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/crc32c.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"

namespace cloister::state {
namespace {

constexpr absl::string_view kMagic = "CLR1";
constexpr size_t kHeadBytes = 12;

// For errors only: nothing is opened by it.
std::string PathOf(int directory, const std::string& name) {
  char path[PATH_MAX];
  const ssize_t size =
      readlink(absl::StrCat("/proc/self/fd/", directory).c_str(), path, sizeof(path));
  if (size <= 0) return name;
  return absl::StrCat(absl::string_view(path, static_cast<size_t>(size)), "/", name);
}

absl::Status Failure(int directory, const std::string& name) {
  const int error_number = errno;
  return ErrnoStatus(error_number, PathOf(directory, name));
}

absl::Status CheckName(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || absl::StrContains(name, '/')) {
    return absl::InvalidArgumentError(absl::StrCat("record '", name, "': not a plain name"));
  }
  return absl::OkStatus();
}

void AppendNumber(uint32_t number, std::string& out) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(number >> shift));
}

uint32_t NumberAt(absl::string_view bytes) {
  uint32_t number = 0;
  for (int i = 3; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

bool WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

// At most `limit` bytes, so that a file that grows meanwhile cannot fill our memory.
bool ReadUpTo(int fd, size_t limit, std::string& out) {
  char buffer[16 << 10];
  while (out.size() < limit) {
    const ssize_t size = read(fd, buffer, std::min(sizeof(buffer), limit - out.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    if (size == 0) return true;
    out.append(buffer, static_cast<size_t>(size));
  }
  return true;
}

absl::Status SyncDirectory(int directory) {
  // Opened anew: an O_PATH descriptor cannot be synced.
  const OwnedFd fd(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return Failure(directory, ".");
  return absl::OkStatus();
}

// What is wrong with the contents of a record file; empty if nothing is.
std::string Fault(absl::string_view file) {
  if (file.size() < kHeadBytes) return absl::StrCat("ends after ", file.size(), " bytes");
  if (!absl::StartsWith(file, kMagic)) return "is no record, or one of a later version's form";
  const uint32_t length = NumberAt(file.substr(4));
  const absl::string_view bytes = file.substr(kHeadBytes);
  if (bytes.size() != length) {
    return absl::StrCat("holds ", bytes.size(), " bytes where its head says ", length);
  }
  if (Crc32c(bytes) != NumberAt(file.substr(8))) return "is damaged: its checksum does not match";
  return "";
}

}  // namespace

absl::Status WriteRecord(int directory, const std::string& name, absl::string_view bytes,
                         Durability durability) {
  CLOISTER_RETURN_IF_ERROR(CheckName(name));
  if (bytes.size() > kMaxRecordBytes) {
    return absl::OutOfRangeError(absl::StrCat(PathOf(directory, name), ": ", bytes.size(),
                                              " bytes are more than a record may have"));
  }
  const std::string temporary = absl::StrCat(".", name, ".tmp");
  // O_TRUNC, not O_EXCL: one that a crash left is written over.
  const OwnedFd fd(openat(directory, temporary.c_str(),
                          O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return Failure(directory, name);
  absl::Cleanup undo = [&] { (void)unlinkat(directory, temporary.c_str(), 0); };
  std::string file(kMagic);
  file.reserve(kHeadBytes + bytes.size());
  AppendNumber(static_cast<uint32_t>(bytes.size()), file);
  AppendNumber(Crc32c(bytes), file);
  file.append(bytes.data(), bytes.size());
  if (!WriteAll(fd.get(), file)) return Failure(directory, name);
  // Before the rename: the name must not reach the disk before what it names.
  if (durability == Durability::kSync && fsync(fd.get()) != 0) return Failure(directory, name);
  if (renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
    return Failure(directory, name);
  }
  std::move(undo).Cancel();
  if (durability == Durability::kSync) return SyncDirectory(directory);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadRecord(int directory, const std::string& name) {
  CLOISTER_RETURN_IF_ERROR(CheckName(name));
  // O_NONBLOCK: were it a FIFO, the open would hang.
  const OwnedFd fd(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Failure(directory, name);
  struct stat facts;
  if (fstat(fd.get(), &facts) != 0) return Failure(directory, name);
  std::string file;
  std::string fault;
  if (!S_ISREG(facts.st_mode)) {
    fault = "is no regular file";
  } else if (!ReadUpTo(fd.get(), kHeadBytes + kMaxRecordBytes + 1, file)) {
    return Failure(directory, name);
  } else {
    fault =
        file.size() > kHeadBytes + kMaxRecordBytes ? "is larger than a record may be" : Fault(file);
  }
  if (!fault.empty()) {
    return absl::DataLossError(absl::StrCat("record ", PathOf(directory, name), " ", fault));
  }
  file.erase(0, kHeadBytes);
  return file;
}

absl::Status SyncRecord(int directory, const std::string& name) {
  CLOISTER_RETURN_IF_ERROR(CheckName(name));
  const OwnedFd file(
      openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid() || fsync(file.get()) != 0) return Failure(directory, name);
  return SyncDirectory(directory);
}

}  // namespace cloister::state
