#include "libs/state/boot_id.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"

namespace cloister::state {
namespace {

constexpr size_t kLength = 36;

bool IsBootId(absl::string_view text) {
  if (text.size() != kLength) return false;
  for (size_t i = 0; i < kLength; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !absl::ascii_isxdigit(text[i])) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::string> ReadBootId(const std::string& file) {
  const OwnedFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, file);
  char buffer[64];
  const ssize_t size = read(fd.get(), buffer, sizeof(buffer));
  if (size < 0) return ErrnoStatus(errno, file);
  const absl::string_view text =
      absl::StripTrailingAsciiWhitespace(absl::string_view(buffer, static_cast<size_t>(size)));
  if (!IsBootId(text))
    return absl::DataLossError(absl::StrCat(file, ": '", text, "' is no boot id"));
  return std::string(text);
}

}  // namespace cloister::state
