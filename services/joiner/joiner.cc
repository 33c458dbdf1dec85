// joiner: touches one file or directory of a task, as the task's user, for one call of the API. A
// freestanding static program, executed from a sealed memfd that cannot be read, so that nothing of
// ours (memory, descriptors, environment) is near what a hostile task has made.
//
//   argv  "cloister-joiner" "live" | "ended"    env  none
//   fds   0 the executor's socket (libs/files/joiner_message.h)
//         ended: from 3 on the task's local, alloc and tmp, O_PATH, as far as they are there
//
// Who started it (libs/launch/spawn_joiner.h) has given up every right by then: it runs with the
// task's ids, without capabilities, in the task's cgroup. Live: in the task's mount namespace, so
// that "/" is the task's root, but not in its pid namespace: the task neither sees nor signals it
// (CVE-2016-9962, CVE-2019-5736, CVE-2024-21626 began with a helper that the task could look at).
//
// Paths are hostile: they are resolved by openat2(2), which keeps to the root or to the task's
// directory, through no magic link, whatever the task puts in the way meanwhile; and what was
// opened is looked at before it is used. Memory is what is declared below.
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/stat.h>
#include <stddef.h>

#include "libs/files/joiner_message.h"
#include "libs/os/raw_syscall.h"
#include "services/joiner/call_filter.h"
#include "services/joiner/memory_calls.h"

namespace cloister::files {
namespace {

constexpr int kMessageNoSignal = 0x4000;
constexpr long kMqueueMagic = 0x19800202;
// A path that changes under openat2 has it say EAGAIN; a task that goes on for so long wants it so.
constexpr int kMaxTries = 64;
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

JoinerRequest g_request;
alignas(8) unsigned char g_frame[kMaxFrameBytes];
alignas(8) char g_listing[32 * 1024];
char g_target[kMaxPathBytes];
bool g_live;
// Live: "/".
int g_root = -1;
// A file that is being written.
int g_parent = -1;

[[noreturn]] void Exit(int code) {
  for (;;) RawSyscall(__NR_exit_group, code);
}

[[noreturn]] void Leave(int code) {
  // What is not complete does not stay.
  if (g_parent >= 0) RawSyscall(__NR_unlinkat, g_parent, Raw(g_request.temporary), 0);
  Exit(code);
}

// Waits while the executor does not read; when it is gone there is nobody left to work for.
void Send(const void* bytes, unsigned long size) {
  for (;;) {
    const long sent = RawSyscall(__NR_sendto, kJoinerSocketFd, Raw(bytes), static_cast<long>(size),
                                 kMessageNoSignal);
    if (sent == -EINTR) continue;
    if (sent < 0) Leave(1);
    return;
  }
}

[[noreturn]] void Fail(JoinerStep step, long error) {
  FrameHeader header = {kFrameFailed, step, static_cast<int>(error < 0 ? -error : error), 0, 0, 0};
  Send(&header, sizeof(header));
  Leave(1);
}

[[noreturn]] void End(uint32_t more, uint64_t offset, uint64_t inode) {
  FrameHeader header = {kFrameEnd, 0, 0, more, offset, inode};
  Send(&header, sizeof(header));
  Exit(0);
}

unsigned Length(const char* text) {
  unsigned size = 0;
  while (text[size] != '\0') ++size;
  return size;
}

// `rest` of a path beneath "/<name>": without slashes in front; nullptr if it is not that.
const char* RestOf(const char* path, const char* name) {
  while (*path == '/') ++path;
  while (*name != '\0' && *path == *name) {
    ++path;
    ++name;
  }
  if (*name != '\0' || (*path != '/' && *path != '\0')) return nullptr;
  while (*path == '/') ++path;
  return path;
}

long OpenAt(int directory, const char* path, unsigned long flags, unsigned long resolve,
            unsigned long mode = 0) {
  const open_how how = {flags, mode, resolve | RESOLVE_NO_MAGICLINKS};
  long fd = -EAGAIN;
  for (int i = 0; i < kMaxTries && (fd == -EAGAIN || fd == -EINTR); ++i) {
    fd = RawSyscall(__NR_openat2, directory, Raw(path), Raw(&how), sizeof(how));
  }
  return fd;
}

// The directory that holds all that `path` may lead to, what is left of the path beneath it, and
// how it is to be resolved.
struct Place {
  int directory;
  const char* rest;
  unsigned long resolve;
};

Place PlaceOf(const char* path) {
  if (g_live) {
    while (*path == '/') ++path;
    return {g_root, *path == '\0' ? "." : path, RESOLVE_IN_ROOT};
  }
  for (int i = 0; i < kRemainingDirectories; ++i) {
    const char* rest = RestOf(path, kOwnDirectoryNames[i]);
    if (rest == nullptr) continue;
    return {kFirstDirectoryFd + i, *rest == '\0' ? "." : rest, RESOLVE_BENEATH};
  }
  Fail(kStepPlace, ENOENT);
}

void Look(int directory, const char* name, struct statx* status, JoinerStep step) {
  const long result =
      RawSyscall(__NR_statx, directory, Raw(name),
                 AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0),
                 STATX_BASIC_STATS, Raw(status));
  if (result < 0) Fail(step, result);
}

bool IsKind(const struct statx& status, unsigned kind) {
  return (status.stx_mode & S_IFMT) == kind;
}

bool IsSame(const struct statx& a, const struct statx& b) {
  return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
         a.stx_dev_minor == b.stx_dev_minor;
}

// Opens what `path` names for reading, if it is of this kind: looked at by a descriptor that
// neither a FIFO nor a device notices, then opened for use and looked at again.
int OpenForReading(const char* path, unsigned kind, int wrong_kind, struct statx* status) {
  const Place place = PlaceOf(path);
  for (int i = 0; i < kMaxTries; ++i) {
    const long look = OpenAt(place.directory, place.rest, O_PATH | O_CLOEXEC, place.resolve);
    if (look < 0) Fail(kStepOpen, look);
    struct statx first;
    Look(static_cast<int>(look), "", &first, kStepOpen);
    RawSyscall(__NR_close, look);
    if (!IsKind(first, kind)) Fail(kStepKind, IsKind(first, S_IFDIR) ? EISDIR : wrong_kind);
    const long file = OpenAt(place.directory, place.rest, kReadFlags, place.resolve);
    if (file < 0) Fail(kStepOpen, file);
    Look(static_cast<int>(file), "", status, kStepOpen);
    if (IsSame(first, *status) && IsKind(*status, kind)) return static_cast<int>(file);
    RawSyscall(__NR_close, file);
  }
  Fail(kStepOpen, EAGAIN);
}

// Files that are the kernel's words, or wait for it: not what a task has stored.
void RefuseKernelFiles(int fd) {
  long words[16];  // struct statfs, of which f_type is the first.
  const long result = RawSyscall(__NR_fstatfs, fd, Raw(words));
  if (result < 0) Fail(kStepOpen, result);
  constexpr long kKernels[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC,
                               CGROUP2_SUPER_MAGIC, kMqueueMagic};
  for (long magic : kKernels) {
    if (words[0] == magic) Fail(kStepKind, ENXIO);
  }
}

unsigned PutEntry(unsigned at, const struct statx& status, const char* name, const char* target,
                  unsigned target_size) {
  JoinerEntry entry = {status.stx_mode,
                       status.stx_uid,
                       status.stx_gid,
                       status.stx_mtime.tv_nsec,
                       status.stx_mtime.tv_sec,
                       status.stx_size,
                       status.stx_blocks,
                       Length(name),
                       target_size};
  const unsigned size = PaddedEntryBytes(entry);
  memset(g_frame + at, 0, size);
  memcpy(g_frame + at, &entry, sizeof(entry));
  memcpy(g_frame + at + sizeof(entry), name, entry.name_size);
  memcpy(g_frame + at + sizeof(entry) + entry.name_size, target, target_size);
  return at + size;
}

void SendInfo(const struct statx& status, unsigned target_size) {
  const FrameHeader header = {kFrameInfo, 0, 0, 0, 0, status.stx_ino};
  memcpy(g_frame, &header, sizeof(header));
  Send(g_frame, PutEntry(sizeof(header), status, "", g_target, target_size));
}

unsigned ReadTarget(int directory, const char* name) {
  const long size =
      RawSyscall(__NR_readlinkat, directory, Raw(name), Raw(g_target), sizeof(g_target));
  return size < 0 ? 0 : static_cast<unsigned>(size);
}

// An ended task's root is not there any more; its directories are.
[[noreturn]] void ListRemains() {
  const FrameHeader header = {kFrameEntries, 0, 0, 0, 0, 0};
  memcpy(g_frame, &header, sizeof(header));
  unsigned at = sizeof(header);
  for (int i = 0; i < kRemainingDirectories; ++i) {
    struct statx status;
    if (RawSyscall(__NR_statx, kFirstDirectoryFd + i, Raw(""), AT_EMPTY_PATH, STATX_BASIC_STATS,
                   Raw(&status)) == 0) {
      at = PutEntry(at, status, kOwnDirectoryNames[i], "", 0);
    }
  }
  Send(g_frame, at);
  End(0, 0, 0);
}

bool IsRoot(const char* path) {
  while (*path == '/') ++path;
  return *path == '\0';
}

[[noreturn]] void Stat() {
  if (!g_live && IsRoot(g_request.path)) Fail(kStepPlace, ENOENT);
  const Place place = PlaceOf(g_request.path);
  const unsigned long follow = g_request.follow_link != 0 ? 0 : O_NOFOLLOW;
  const long file = OpenAt(place.directory, place.rest, O_PATH | O_CLOEXEC | follow, place.resolve);
  if (file < 0) Fail(kStepOpen, file);
  struct statx status;
  Look(static_cast<int>(file), "", &status, kStepOpen);
  SendInfo(status, IsKind(status, S_IFLNK) ? ReadTarget(static_cast<int>(file), "") : 0);
  End(0, 0, 0);
}

struct DirectoryEntry {  // linux_dirent64
  uint64_t inode;
  int64_t next;
  unsigned short size;
  unsigned char type;
  char name[1];
};

bool IsDots(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// In the directory's own order, from a position on: memory and time are those of one page, however
// many entries there are.
class Lister {
 public:
  Lister(int directory, uint64_t inode, uint64_t position)
      : directory_(directory), inode_(inode), position_(position) {}

  [[noreturn]] void Run() {
    Begin();
    for (;;) {
      const long size = RawSyscall(__NR_getdents64, directory_, Raw(g_listing), sizeof(g_listing));
      if (size < 0) Fail(kStepList, size);
      if (size == 0) break;
      for (long at = 0; at < size;) {
        const auto* entry = reinterpret_cast<const DirectoryEntry*>(g_listing + at);
        at += entry->size;
        if (!IsDots(entry->name)) Add(entry->name);
        position_ = static_cast<uint64_t>(entry->next);
      }
    }
    Flush();
    End(0, 0, 0);
  }

 private:
  void Begin() {
    const FrameHeader header = {kFrameEntries, 0, 0, 0, 0, 0};
    memcpy(g_frame, &header, sizeof(header));
    end_ = sizeof(header);
  }
  void Flush() {
    if (end_ > sizeof(FrameHeader)) Send(g_frame, end_);
    Begin();
  }
  void Add(const char* name) {
    if (entries_ == g_request.max_entries || bytes_ >= g_request.max_bytes) {
      Flush();
      End(1, position_, inode_);
    }
    struct statx status;
    const long result =
        RawSyscall(__NR_statx, directory_, Raw(name), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                   STATX_BASIC_STATS, Raw(&status));
    if (result == -ENOENT) return;  // Gone just now.
    // Of a directory that may be read but not searched the names are all there is.
    if (result < 0) memset(&status, 0, sizeof(status));
    const unsigned target = IsKind(status, S_IFLNK) ? ReadTarget(directory_, name) : 0;
    if (end_ + sizeof(JoinerEntry) + Length(name) + target + 8 > sizeof(g_frame)) Flush();
    const unsigned before = end_;
    end_ = PutEntry(end_, status, name, g_target, target);
    bytes_ += end_ - before;
    ++entries_;
  }

  const int directory_;
  const uint64_t inode_;
  // Behind the last entry that was looked at.
  uint64_t position_;
  unsigned end_ = 0;
  unsigned entries_ = 0;
  unsigned bytes_ = 0;
};

[[noreturn]] void List() {
  if (!g_live && IsRoot(g_request.path)) ListRemains();
  struct statx status;
  const int directory = OpenForReading(g_request.path, S_IFDIR, ENOTDIR, &status);
  if (g_request.offset != 0) {
    if (status.stx_ino != g_request.directory_inode) Fail(kStepChanged, ESTALE);
    const long moved =
        RawSyscall(__NR_lseek, directory, static_cast<long>(g_request.offset), 0 /* SEEK_SET */);
    if (moved < 0) Fail(kStepList, moved);
  }
  Lister(directory, status.stx_ino, g_request.offset).Run();
}

[[noreturn]] void Read() {
  struct statx status;
  const int file = OpenForReading(g_request.path, S_IFREG, ENXIO, &status);
  RefuseKernelFiles(file);
  SendInfo(status, 0);
  // A file that grows as fast as it is read has an end, too.
  uint64_t end = status.stx_size;
  uint64_t at = g_request.offset;
  if (at < end && g_request.length != 0 && g_request.length < end - at) end = at + g_request.length;
  while (at < end) {
    uint64_t wanted = sizeof(g_frame) - sizeof(FrameHeader);
    if (wanted > end - at) wanted = end - at;
    const long size = RawSyscall(__NR_pread64, file, Raw(g_frame + sizeof(FrameHeader)),
                                 static_cast<long>(wanted), static_cast<long>(at));
    if (size == -EINTR) continue;
    if (size < 0) Fail(kStepRead, size);
    if (size == 0) break;
    const FrameHeader header = {kFrameData, 0, 0, 0, at, 0};
    memcpy(g_frame, &header, sizeof(header));
    Send(g_frame, sizeof(header) + static_cast<unsigned long>(size));
    at += static_cast<uint64_t>(size);
  }
  End(0, at, 0);
}

void Write(int file, const unsigned char* bytes, long size) {
  while (size > 0) {
    const long written = RawSyscall(__NR_write, file, Raw(bytes), size);
    if (written == -EINTR) continue;
    if (written < 0) Fail(kStepWrite, written);
    bytes += written;
    size -= written;
  }
}

// Until Commit; whatever else ends it leaves nothing.
void Receive(int file) {
  uint64_t total = 0;
  for (;;) {
    const long size = RawSyscall(__NR_recvfrom, kJoinerSocketFd, Raw(g_frame), sizeof(g_frame), 0);
    if (size == -EINTR) continue;
    if (size < static_cast<long>(sizeof(FrameHeader))) Leave(1);
    FrameHeader header;
    memcpy(&header, g_frame, sizeof(header));
    if (header.kind == kFrameCommit) {
      if (header.offset != total) Fail(kStepRequest, EINVAL);
      return;
    }
    if (header.kind != kFrameData) Fail(kStepRequest, EPROTO);
    Write(file, g_frame + sizeof(header), size - static_cast<long>(sizeof(header)));
    total += static_cast<uint64_t>(size) - sizeof(header);
  }
}

// Of a path in one of the task's own directories: a directory that is held by its descriptor from
// here on, whatever the task puts in its place, and the name in it.
int OpenParent(char* path, const char** name) {
  char* slash = nullptr;
  for (char* at = path; *at != '\0'; ++at) {
    if (*at == '/') slash = at;
  }
  if (slash == nullptr || slash[1] == '\0' || IsDots(slash + 1)) Fail(kStepPlace, EINVAL);
  *name = slash + 1;
  *slash = '\0';
  for (int i = 0; i < (g_live ? kOwnDirectories : kRemainingDirectories); ++i) {
    const char* rest = RestOf(path, kOwnDirectoryNames[i]);
    if (rest == nullptr) continue;
    // The root is read-only, and the task's directory root's: nobody can have replaced this one.
    const long own = g_live
                         ? OpenAt(g_root, kOwnDirectoryNames[i], O_PATH | O_DIRECTORY | O_CLOEXEC,
                                  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
                         : kFirstDirectoryFd + i;
    if (own < 0) Fail(kStepOpen, own);
    // NO_XDEV: a volume that is mounted in it is not the task's.
    const long parent = *rest == '\0'
                            ? own
                            : OpenAt(static_cast<int>(own), rest, O_PATH | O_DIRECTORY | O_CLOEXEC,
                                     RESOLVE_BENEATH | RESOLVE_NO_XDEV);
    if (parent < 0) Fail(kStepOpen, parent);
    return static_cast<int>(parent);
  }
  Fail(kStepPlace, EXDEV);
}

[[noreturn]] void Put() {
  const char* name = nullptr;
  const int parent = OpenParent(g_request.path, &name);
  struct statx status;
  if (RawSyscall(__NR_statx, parent, Raw(name), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                 STATX_BASIC_STATS, Raw(&status)) == 0 &&
      IsKind(status, S_IFDIR)) {
    Fail(kStepReplace, EISDIR);
  }
  const long file = OpenAt(parent, g_request.temporary,
                           O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
                           RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV, 0600);
  if (file < 0) Fail(kStepCreate, file);
  g_parent = parent;
  const FrameHeader ready = {kFrameReady, 0, 0, 0, 0, 0};
  Send(&ready, sizeof(ready));
  Receive(static_cast<int>(file));
  long result = RawSyscall(__NR_fchmod, file, g_request.mode & 0777);
  if (result < 0) Fail(kStepWrite, result);
  Look(static_cast<int>(file), "", &status, kStepWrite);
  // At once and whole; a directory that came there meanwhile has the kernel say EISDIR, and a link
  // is replaced, not followed.
  result = RawSyscall(__NR_renameat2, parent, Raw(g_request.temporary), parent, Raw(name), 0);
  if (result < 0) Fail(kStepReplace, result);
  g_parent = -1;
  SendInfo(status, 0);
  End(0, 0, 0);
}

void Prepare(const char* kind) {
  long result = RawSyscall(__NR_prctl, PR_SET_DUMPABLE, 0);
  // What an operator's ps shows.
  RawSyscall(__NR_prctl, PR_SET_NAME, Raw("cloister-joiner"));
  g_live = kind[0] == kJoinerOfLiveTask[0];
  if (result >= 0 && g_live) {
    result = RawSyscall(__NR_openat, AT_FDCWD, Raw("/"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_root = static_cast<int>(result);
  }
  if (result >= 0) result = Confine();
  if (result < 0) Fail(kStepPrepare, result);
}

}  // namespace

extern "C" [[noreturn]] void JoinerMain(long* stack) {
  char** argv = reinterpret_cast<char**>(stack + 1);
  if (stack[0] != 2) Exit(2);
  Prepare(argv[1]);
  const long size =
      RawSyscall(__NR_recvfrom, kJoinerSocketFd, Raw(&g_request), sizeof(g_request), 0);
  if (size != sizeof(g_request)) Exit(2);
  g_request.path[sizeof(g_request.path) - 1] = '\0';
  g_request.temporary[sizeof(g_request.temporary) - 1] = '\0';
  switch (g_request.verb) {
    case kJoinerStat:
      Stat();
    case kJoinerList:
      List();
    case kJoinerRead:
      Read();
    case kJoinerPut:
      Put();
    default:
      Fail(kStepRequest, ENOSYS);
  }
}

}  // namespace cloister::files

__asm__(
    ".globl _start\n"
    "_start:\n"
    "xor %ebp, %ebp\n"
    "mov %rsp, %rdi\n"
    "and $-16, %rsp\n"
    "call JoinerMain\n"
    "hlt\n");
