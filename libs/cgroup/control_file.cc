#include "libs/cgroup/control_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"

namespace cloister::cgroup {
namespace {

absl::Status Failure(int error_number, const ControlFile& file) {
  return ErrnoStatus(error_number,
                     file.shown.empty() ? file.path : absl::StrCat(file.shown, "/", file.path));
}

}  // namespace

ControlFile FileAt(const std::string& path) { return {AT_FDCWD, path, ""}; }

absl::StatusOr<std::string> ReadControlFile(const ControlFile& file) {
  const OwnedFd fd(openat(file.directory, file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return Failure(errno, file);
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t size = read(fd.get(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Failure(errno, file);
    if (size == 0) return text;
    text.append(buffer, static_cast<size_t>(size));
  }
}

absl::Status WriteControlFile(const ControlFile& file, absl::string_view value) {
  const OwnedFd fd(openat(file.directory, file.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return Failure(errno, file);
  ssize_t size;
  do {
    size = write(fd.get(), value.data(), value.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) return Failure(errno, file);
  // The kernel takes a value whole; anything else is not a control file.
  if (static_cast<size_t>(size) != value.size()) return Failure(EIO, file);
  return absl::OkStatus();
}

std::vector<pid_t> ParsePids(absl::string_view text) {
  std::vector<pid_t> pids;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    pid_t pid;
    if (absl::SimpleAtoi(line, &pid)) pids.push_back(pid);
  }
  return pids;
}

uint64_t ParseCounter(absl::string_view text, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    uint64_t value;
    if (field.first == key && absl::SimpleAtoi(field.second, &value)) return value;
  }
  return 0;
}

}  // namespace cloister::cgroup
