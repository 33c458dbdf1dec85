#include "libs/launch/copy_child.h"

#include <fcntl.h>
#include <linux/openat2.h>

#include "libs/os/raw_syscall.h"

namespace cloister {
namespace launch {
namespace {

constexpr long kPiece = 1 << 20;

// The owner first: giving it away takes bits from the mode.
long Dress(long fd, const ChildCopy& copy) {
  long result = RawSyscall(__NR_fchown, fd, copy.uid, copy.gid);
  if (result == 0) result = RawSyscall(__NR_fchmod, fd, copy.mode);
  return result;
}

// The content is the launcher's to open, and its offset nobody's: another task may have the same.
long MakeFile(const ChildMount& mount) {
  const open_how how = {O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600, RESOLVE_NO_SYMLINKS};
  const long file = RawSyscall(__NR_openat2, AT_FDCWD, Raw(mount.inside), Raw(&how), sizeof(how));
  if (file < 0) return file;
  long offset = 0;
  long result = 0;
  do {
    result = RawSyscall(__NR_sendfile, file, mount.tree, Raw(&offset), kPiece);
  } while (result > 0);
  if (result == 0) result = Dress(file, *mount.copy);
  RawSyscall(__NR_close, file);
  return result;
}

long MakeDirectory(const ChildMount& mount) {
  const long made = RawSyscall(__NR_mkdirat, AT_FDCWD, Raw(mount.inside), 0700);
  if (made < 0) return made;
  const open_how how = {O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS};
  const long directory =
      RawSyscall(__NR_openat2, AT_FDCWD, Raw(mount.inside), Raw(&how), sizeof(how));
  if (directory < 0) return directory;
  const long result = Dress(directory, *mount.copy);
  RawSyscall(__NR_close, directory);
  return result;
}

long MakeLink(const ChildMount& mount) {
  const long made =
      RawSyscall(__NR_symlinkat, Raw(mount.copy->target), AT_FDCWD, Raw(mount.inside));
  if (made < 0) return made;
  return RawSyscall(__NR_fchownat, AT_FDCWD, Raw(mount.inside), mount.copy->uid, mount.copy->gid,
                    AT_SYMLINK_NOFOLLOW);
}

}  // namespace

long MakeCopy(const ChildMount& mount) {
  if (mount.copy->target != nullptr) return MakeLink(mount);
  return mount.tree < 0 ? MakeDirectory(mount) : MakeFile(mount);
}

}  // namespace launch
}  // namespace cloister
