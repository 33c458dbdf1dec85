#include "libs/artifact/file_content.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>

#include "libs/base/errno_status.h"
#include "libs/base/page_buffer.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

constexpr size_t kBytes = 256 << 10;
// What the kernel copies in one call: a second's work of a disk, in which nobody can end it.
constexpr size_t kPiece = 256 << 20;

using Check = std::function<absl::Status()>;

absl::Status ReadAndWrite(int source, int target, off_t offset, absl::string_view shown,
                          const Check& check) {
  const PageBuffer buffer(kBytes);
  while (true) {
    if (check != nullptr) CLOISTER_RETURN_IF_ERROR(check());
    const ssize_t count = pread(source, buffer.data(), kBytes, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, shown);
    if (count == 0) return absl::OkStatus();
    for (ssize_t done = 0; done < count;) {
      const ssize_t written =
          pwrite(target, buffer.data() + done, static_cast<size_t>(count - done), offset + done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return ErrnoStatus(errno, shown);
      done += written;
    }
    offset += count;
  }
}

}  // namespace

absl::Status CopyContent(int source, int target, absl::string_view shown, const Check& check) {
  if (ioctl(target, FICLONE, source) == 0) return absl::OkStatus();
  off_t from = 0;
  off_t to = 0;
  while (true) {
    if (check != nullptr) CLOISTER_RETURN_IF_ERROR(check());
    const ssize_t count = copy_file_range(source, &from, target, &to, kPiece, 0);
    if (count > 0 || (count < 0 && errno == EINTR)) continue;
    // Some file systems of the kernel say that there is nothing to copy: reading tells.
    if (count == 0) return ReadAndWrite(source, target, to, shown, check);
    if (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
      return ReadAndWrite(source, target, to, shown, check);
    return ErrnoStatus(errno, shown);
  }
}

}  // namespace cloister::artifact
