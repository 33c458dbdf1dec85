#include "libs/launch/mount_points.h"

#include <errno.h>
#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/errno_status.h"

namespace cloister {
namespace launch {

absl::StatusOr<std::vector<std::string>> MountPoints(int mountinfo) {
  std::string text;
  char piece[16384];
  if (lseek(mountinfo, 0, SEEK_SET) != 0) return ErrnoStatus(errno, "mountinfo");
  for (ssize_t size; (size = read(mountinfo, piece, sizeof(piece))) != 0;) {
    if (size < 0) return ErrnoStatus(errno, "mountinfo");
    text.append(piece, static_cast<size_t>(size));
  }
  std::vector<std::string> points;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(' ', 5));
    std::string point;
    if (fields.size() < 5 || !absl::CUnescape(fields[4], &point)) {
      return ErrnoStatus(EINVAL, absl::StrCat("mountinfo '", line, "'"));
    }
    if (point != "/") points.push_back(std::move(point));
  }
  return points;
}

}  // namespace launch
}  // namespace cloister
