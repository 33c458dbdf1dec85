#include "libs/launch/classic_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "libs/launch/template_paths.h"
#include "libs/os/raw_syscall.h"

namespace cloister {
namespace launch {
namespace {

constexpr char kNone[] = "none";

long WriteFile(const char* path, const ChildFile& file) {
  const long fd =
      RawSyscall(__NR_openat, AT_FDCWD, Raw(path), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
  if (fd < 0) return fd;
  // Whatever the umask is.
  long result = RawSyscall(__NR_fchmod, fd, 0444);
  if (result == 0) {
    result = RawSyscall(__NR_write, fd, Raw(file.content), static_cast<long>(file.size));
  }
  RawSyscall(__NR_close, fd);
  if (result < 0) return result;
  return result == static_cast<long>(file.size) ? 0 : -ENOSPC;
}

}  // namespace

DescriptorPath PathOfDescriptor(long fd) {
  constexpr char kDirectory[] = "/proc/self/fd/";
  DescriptorPath path = {};
  int size = 0;
  for (; kDirectory[size] != '\0'; ++size) path.text[size] = kDirectory[size];
  char digits[12];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + fd % 10);
    fd /= 10;
  } while (fd != 0);
  while (count > 0) path.text[size++] = digits[--count];
  return path;
}

long PlaceByMount(const ChildMount& mount, const char* place) {
  if (mount.tree == kStagedTree) {
    return RawSyscall(__NR_mount, Raw(mount.options), Raw(place), 0, MS_MOVE);
  }
  // The name of its source is as a detached tree has it.
  return RawSyscall(__NR_mount, Raw(mount.chosen ? kNone : mount.type), Raw(place), Raw(mount.type),
                    static_cast<long>(mount.flags), Raw(mount.options));
}

long WriteFilesHere(const ChildContext& context) {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  long result = RawSyscall(__NR_mount, Raw(kNone), Raw(kTemplateEmptyDirectory), Raw("tmpfs"),
                           static_cast<long>(kFlags), Raw(context.file_options));
  char path[] = "/dev/.empty/0";
  static_assert(sizeof(path) == sizeof(kTemplateEmptyDirectory) + 2, "a file in that directory");
  for (int i = 0; result == 0 && i < context.file_count; ++i) {
    path[sizeof(path) - 2] = static_cast<char>('0' + i);
    result = WriteFile(path, context.file_contents[i]);
  }
  if (result != 0) return result;
  // A bind of what is in it has its flags.
  return RawSyscall(__NR_mount, 0, Raw(kTemplateEmptyDirectory), 0,
                    static_cast<long>(kFlags | MS_REMOUNT | MS_BIND | MS_RDONLY));
}

}  // namespace launch
}  // namespace cloister
