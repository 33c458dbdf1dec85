#include "libs/launch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "cloister/internal/launcher.pb.h"
#include "libs/launch/classic_child.h"
#include "libs/launch/copy_child.h"
#include "libs/launch/own_directories.h"
#include "libs/launch/report_message.h"
#include "libs/launch/template_paths.h"
#include "libs/os/close_from.h"
#include "libs/os/raw_syscall.h"

namespace cloister {
namespace launch {
namespace {

constexpr unsigned long kReadOnlyBind =
    MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

// Each step returns 0 or an errno, and sets *index where it works through a list.
using StepFunction = int (*)(const ChildContext& context, int* index);

int ErrorOf(long result) { return result < 0 ? static_cast<int>(-result) : 0; }

// v1: "0" moves the writer alone, which is single-threaded; unlike a write of a pid to cgroup.procs
// it does not wait for an RCU grace period (10 ms). v2: the child was born in its cgroup, there is
// nothing to join.
int CgroupJoin(const ChildContext& context, int* index) {
  for (int i = 0; i < context.join_count; ++i) {
    *index = i;
    const int error = ErrorOf(RawSyscall(__NR_write, context.joins[i], Raw("0"), 1));
    if (error != 0) return error;
  }
  return 0;
}

// After the join: the namespace's root is where its maker is, so made before it the task would see
// its path on the host.
int CgroupNamespace(const ChildContext&, int*) {
  return ErrorOf(RawSyscall(__NR_unshare, CLONE_NEWCGROUP));
}

int Session(const ChildContext&, int*) { return ErrorOf(RawSyscall(__NR_setsid)); }

// Without one of its own the task would possess the session keyring of the launcher.
int Keyring(const ChildContext&, int*) {
  return ErrorOf(RawSyscall(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0));
}

long Open(int directory, const char* path, unsigned long resolve) {
  const open_how how = {O_PATH | O_DIRECTORY | O_CLOEXEC, 0, resolve};
  return RawSyscall(__NR_openat2, directory, Raw(path), Raw(&how), sizeof(how));
}

// A place that the task has chosen must be the very directory, or file, that was made for it: a
// link on the way would put a volume over something else.
long PlaceChosen(const ChildMount& mount) {
  // A number of the launcher's table, which is still shared; so it is given back at once.
  const open_how how = {O_PATH | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS};
  const long place = RawSyscall(__NR_openat2, AT_FDCWD, Raw(mount.inside), Raw(&how), sizeof(how));
  if (place < 0) return place;
  const long result = mount.tree < 0
                          ? PlaceByMount(mount, PathOfDescriptor(place).text)
                          : RawSyscall(__NR_move_mount, mount.tree, Raw(""), place, Raw(""),
                                       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  RawSyscall(__NR_close, place);
  return result;
}

long Place(const ChildMount& mount) {
  if (mount.copy != nullptr) return MakeCopy(mount);
  if (mount.chosen) return PlaceChosen(mount);
  if (mount.tree < 0) return PlaceByMount(mount, mount.inside);
  return RawSyscall(__NR_move_mount, mount.tree, Raw(""), AT_FDCWD, Raw(mount.inside),
                    MOVE_MOUNT_F_EMPTY_PATH);
}

// Before IDENTITY, as mounting needs the capabilities that it takes away. The mount namespace is a
// copy of the template's, all of it private: nothing here can propagate to the host.
int Mounts(const ChildContext& context, int* index) {
  for (int i = 0; i < context.mount_count; ++i) {
    *index = i;
    const long result = Place(context.mounts[i]);
    if (result < 0) return ErrorOf(result);
  }
  // What the trees were put on for their way here.
  if (!context.classic_mounts) return 0;
  return ErrorOf(RawSyscall(__NR_umount2, Raw(kTemplateEmptyDirectory), MNT_DETACH));
}

// The template is the root of the namespace already; the host's root was never in it. Only the
// working directory, which would otherwise be the template's "/" below what MOUNTS put on top, is
// set anew.
int Root(const ChildContext&, int*) { return ErrorOf(RawSyscall(__NR_chdir, Raw("/"))); }

// What hides is ours: /dev/null and an empty directory of the read-only template, which no task can
// have replaced (CVE-2025-31133).
int Masks(const ChildContext& context, int* index) {
  for (int i = 0; i < context.mask_count; ++i) {
    *index = i;
    const ChildMask& mask = context.masks[i];
    const char* source = mask.inside;
    if (mask.kind == ChildMask::kHiddenFile) source = kTemplateNull;
    if (mask.kind == ChildMask::kHiddenDirectory) source = kTemplateEmptyDirectory;
    long result = RawSyscall(__NR_mount, Raw(source), Raw(mask.inside), 0, MS_BIND);
    if (result == 0 && mask.kind == ChildMask::kReadOnly) {
      // A single mount(2) with MS_BIND | MS_RDONLY leaves the bind writable; only the remount
      // counts.
      result = RawSyscall(__NR_mount, 0, Raw(mask.inside), 0, static_cast<long>(kReadOnlyBind));
    }
    if (result < 0) return ErrorOf(result);
  }
  return 0;
}

// After MOUNTS, which made /proc. As the clone was a vfork(2), the kernel takes this for the child
// alone although it shares the launcher's memory; otherwise it would change the launcher with it.
int OomScore(const ChildContext& context, int*) {
  const long file =
      RawSyscall(__NR_openat, AT_FDCWD, Raw("/proc/self/oom_score_adj"), O_WRONLY | O_CLOEXEC, 0);
  if (file < 0) return ErrorOf(file);
  const long result = RawSyscall(__NR_write, file, Raw(context.oom_score_adj),
                                 static_cast<long>(context.oom_score_adj_size));
  RawSyscall(__NR_close, file);
  return ErrorOf(result);
}

// Before BOUNDING_SET: naming needs CAP_SYS_ADMIN.
int Hostname(const ChildContext& context, int*) {
  if (context.hostname_size == 0) return 0;
  return ErrorOf(RawSyscall(__NR_sethostname, Raw(context.hostname),
                            static_cast<long>(context.hostname_size)));
}

// Over a plain file, reached without a link: what is there is the node's, and may have changed
// since the plan was made.
long PlaceFile(const char* source, const char* inside, bool classic) {
  const open_how how = {O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS};
  const long target = RawSyscall(__NR_openat2, AT_FDCWD, Raw(inside), Raw(&how), sizeof(how));
  if (target < 0) return target;
  struct stat status;
  long result = RawSyscall(__NR_newfstatat, target, Raw(""), Raw(&status), AT_EMPTY_PATH);
  if (result == 0 && !S_ISREG(status.st_mode)) result = -EINVAL;
  if (result == 0 && classic) {
    result = RawSyscall(__NR_mount, Raw(source), Raw(PathOfDescriptor(target).text), 0, MS_BIND);
  } else if (result == 0) {
    result = RawSyscall(__NR_open_tree, AT_FDCWD, Raw(source), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  }
  if (result >= 0 && !classic) {
    const long tree = result;
    result = RawSyscall(__NR_move_mount, tree, Raw(""), target, Raw(""),
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    RawSyscall(__NR_close, tree);
  }
  RawSyscall(__NR_close, target);
  return result;
}

// After MASKS, which have their use for the empty directory: the files' tmpfs is on it for a
// moment, as a part of a tree can only be cloned from where it is mounted (before Linux 6.15).
int EtcFiles(const ChildContext& context, int* index) {
  if (context.file_count == 0) return 0;
  long result = context.classic_mounts
                    ? WriteFilesHere(context)
                    : RawSyscall(__NR_move_mount, context.files_tree, Raw(""), AT_FDCWD,
                                 Raw(kTemplateEmptyDirectory), MOVE_MOUNT_F_EMPTY_PATH);
  char source[] = "/dev/.empty/0";
  static_assert(sizeof(source) == sizeof(kTemplateEmptyDirectory) + 2, "a file in that directory");
  for (int i = 0; result >= 0 && i < context.file_count; ++i) {
    *index = i;
    source[sizeof(source) - 2] = static_cast<char>('0' + i);
    result = PlaceFile(source, context.files[i], context.classic_mounts);
  }
  if (result >= 0) result = RawSyscall(__NR_umount2, Raw(kTemplateEmptyDirectory), MNT_DETACH);
  return ErrorOf(result);
}

int Limits(const ChildContext& context, int* index) {
  for (int i = 0; i < context.rlimit_count; ++i) {
    *index = i;
    const uint64_t limit[2] = {context.rlimits[i].soft, context.rlimits[i].hard};
    const int error =
        ErrorOf(RawSyscall(__NR_prlimit64, 0, context.rlimits[i].resource, Raw(&limit)));
    if (error != 0) return error;
  }
  return 0;
}

int WriteMap(const char* path, const char* map) {
  const long file = RawSyscall(__NR_openat, AT_FDCWD, Raw(path), O_WRONLY | O_CLOEXEC);
  if (file < 0) return ErrorOf(file);
  long size = 0;
  while (map[size] != '\0') ++size;
  const long result = RawSyscall(__NR_write, file, Raw(map), size);
  RawSyscall(__NR_close, file);
  return ErrorOf(result);
}

// Its one id is the launcher's own, so the child may write the maps itself; that no groups can be
// set, which the kernel wants for that, is inherited.
int MakeUserNamespace(const ChildContext& context, int* index) {
  int error = ErrorOf(RawSyscall(__NR_unshare, CLONE_NEWUSER));
  if (error == 0) error = WriteMap("/proc/self/uid_map", context.uid_map);
  if (error != 0) return error;
  *index = 1;
  return WriteMap("/proc/self/gid_map", context.gid_map);
}

// After MOUNTS, MASKS and all that needs the namespaces of the task, which belong to the launcher's
// user namespace: whatever rights the task may come by are rights over nothing of them. It has all
// capabilities in here until CAPABILITIES.
int UserNamespace(const ChildContext& context, int* index) {
  if (context.user_namespace >= 0) {
    return ErrorOf(RawSyscall(__NR_setns, context.user_namespace, CLONE_NEWUSER));
  }
  return context.uid_map == nullptr ? 0 : MakeUserNamespace(context, index);
}

bool HasUserNamespace(const ChildContext& context) {
  return context.user_namespace >= 0 || context.uid_map != nullptr;
}

// Before IDENTITY: dropping needs CAP_SETPCAP.
int BoundingSet(const ChildContext& context, int*) {
  for (int capability = 0; capability < 64; ++capability) {
    if ((context.bounding_drop >> capability & 1) == 0) continue;
    const int error = ErrorOf(RawSyscall(__NR_prctl, PR_CAPBSET_DROP, capability));
    // A new user namespace brings all that the kernel knows, and what it does not know is refused
    // so: it ends here.
    if (error == EINVAL && HasUserNamespace(context)) break;
    if (error != 0) return error;
  }
  return 0;
}

// Groups first, user last: each needs the rights that the next one gives up.
int Identity(const ChildContext& context, int*) {
  long result = RawSyscall(__NR_prctl, PR_SET_KEEPCAPS, 1);
  if (result == 0 && context.uid_map == nullptr) {
    result = RawSyscall(__NR_setgroups, context.group_count, Raw(context.groups));
  }
  if (result == 0) result = RawSyscall(__NR_setresgid, context.gid, context.gid, context.gid);
  if (result == 0) result = RawSyscall(__NR_setresuid, context.uid, context.uid, context.uid);
  // The change has made the memory, which is the launcher's until the exec, what fs.suid_dumpable
  // says: 1 there would let whoever sees this process and is the same user write to it. Until here
  // what it is permitted has stopped them.
  if (result == 0) result = RawSyscall(__NR_prctl, PR_SET_DUMPABLE, 0);
  return ErrorOf(result);
}

// Of the task's sets and, held but not passed on, `extra`.
int SetCapabilities(const ChildContext& context, uint64_t extra) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  for (int word = 0; word < 2; ++word) {
    data[word].effective = static_cast<uint32_t>((context.effective | extra) >> (32 * word));
    data[word].permitted = static_cast<uint32_t>((context.permitted | extra) >> (32 * word));
    data[word].inheritable = static_cast<uint32_t>(context.inheritable >> (32 * word));
  }
  return ErrorOf(RawSyscall(__NR_capset, Raw(&header), Raw(data)));
}

// After IDENTITY: the change of user clears the effective and ambient sets. Without NO_NEW_PRIVS
// LANDLOCK and SECCOMP need a capability, which goes with LAST_CAPABILITIES.
int Capabilities(const ChildContext& context, int*) {
  int error = SetCapabilities(context, context.no_new_privs ? 0 : uint64_t{1} << CAP_SYS_ADMIN);
  for (int capability = 0; error == 0 && capability < 64; ++capability) {
    if ((context.ambient >> capability & 1) == 0) continue;
    error = ErrorOf(RawSyscall(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0));
  }
  return error;
}

// After IDENTITY, which clears it. It fires when the creating thread ends; launch threads never do
// before the process.
int DeathSignal(const ChildContext&, int*) {
  return ErrorOf(RawSyscall(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL));
}

int NoNewPrivs(const ChildContext& context, int*) {
  if (!context.no_new_privs) return 0;
  return ErrorOf(RawSyscall(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

// Makes what is missing of `path`, if it is beneath a directory of the task's own: as the task's
// user, so nothing can be made that the task could not make itself, and neither through a link nor
// in a volume that is mounted there.
int MakeWorkDirectory(const char* path) {
  const char* rest = nullptr;
  long at = -1;
  for (const char* own : kOwnDirectories) {
    rest = RestBeneath(path, own);
    if (rest == nullptr) continue;
    at = Open(AT_FDCWD, own, RESOLVE_NO_SYMLINKS);
    break;
  }
  if (rest == nullptr) return ENOENT;
  while (at >= 0 && *rest != '\0') {
    char name[256];
    unsigned size = 0;
    for (; *rest != '\0' && *rest != '/'; ++rest) {
      if (size + 1 == sizeof(name)) return ENAMETOOLONG;
      name[size++] = *rest;
    }
    name[size] = '\0';
    while (*rest == '/') ++rest;
    long next = RawSyscall(__NR_mkdirat, at, Raw(name), 0755);
    if (next >= 0 || next == -EEXIST) {
      next =
          Open(static_cast<int>(at), name, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    }
    RawSyscall(__NR_close, at);
    at = next;
  }
  if (at < 0) return at == -EXDEV ? ENOENT : ErrorOf(at);
  RawSyscall(__NR_close, at);
  return 0;
}

// As the task's user, after IDENTITY, and after FDS: /proc/self/fd/N of a descriptor of ours would
// lead out of the root (CVE-2024-21626). Should anything still do so, the kernel gives a path that
// does not begin with "/".
int WorkDirectory(const ChildContext& context, int*) {
  int error = ErrorOf(RawSyscall(__NR_chdir, Raw(context.work_dir)));
  if (error == ENOENT) {
    error = MakeWorkDirectory(context.work_dir);
    if (error == 0) error = ErrorOf(RawSyscall(__NR_chdir, Raw(context.work_dir)));
  }
  if (error != 0) return error;
  char path[4096];
  const long size = RawSyscall(__NR_getcwd, Raw(path), sizeof(path));
  if (size < 0) return ErrorOf(size);
  return path[0] == '/' ? 0 : ENOENT;
}

int Umask(const ChildContext& context, int*) {
  RawSyscall(__NR_umask, context.umask);
  return 0;
}

// Before the first path that the task names: whatever is open could be reached as /proc/self/fd/N,
// by CWD and after the exec. The table is shared with the launcher up to here; only what lies below
// the first foreign descriptor is copied, so the cost does not grow with the launcher's other
// tasks.
int Fds(const ChildContext& context, int*) {
  long result = CloseFromInOwnTable(context.first_foreign_fd);
  const int wanted[4] = {context.stdin_fd, context.stdout_fd, context.stderr_fd, context.report_fd};
  for (int fd = 0; result >= 0 && fd < 4; ++fd) result = RawSyscall(__NR_dup3, wanted[fd], fd, 0);
  // Of the exec itself; closed by it.
  if (result >= 0) result = RawSyscall(__NR_dup3, context.init_fd, kReportFd + 1, O_CLOEXEC);
  if (result >= 0) result = CloseFrom(kReportFd + 2, context.first_foreign_fd);
  return ErrorOf(result);
}

// Opened as the task's user in its own root: a rule says what may be done beneath a directory.
int AddLandlockRule(int ruleset, const ChildLandlockRule& rule) {
  const long directory = Open(AT_FDCWD, rule.inside, RESOLVE_NO_SYMLINKS);
  if (directory < 0) {
    const int error = ErrorOf(directory);
    const bool unreachable =
        error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP;
    return rule.chosen && unreachable ? 0 : error;
  }
  const landlock_path_beneath_attr beneath = {rule.access, static_cast<int>(directory)};
  const long added =
      RawSyscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, Raw(&beneath), 0);
  RawSyscall(__NR_close, directory);
  return ErrorOf(added);
}

// After MOUNTS, whose roots the rules are about, and after CWD, which makes directories. Once it
// stands nothing can be mounted. It needs NO_NEW_PRIVS, or CAP_SYS_ADMIN.
int Landlock(const ChildContext& context, int* index) {
  if (context.landlock_access == 0 && context.landlock_scoped == 0) return 0;
  // landlock_ruleset_attr of Linux 6.12: access to files, to the network, scopes. An older kernel
  // takes it as long as what it does not know is 0.
  const uint64_t attributes[3] = {context.landlock_access, 0, context.landlock_scoped};
  const long ruleset =
      RawSyscall(__NR_landlock_create_ruleset, Raw(&attributes), sizeof(attributes), 0);
  if (ruleset < 0) return ErrorOf(ruleset);
  for (int i = 0; i < context.landlock_rule_count; ++i) {
    *index = i;
    const int error = AddLandlockRule(static_cast<int>(ruleset), context.landlock_rules[i]);
    if (error != 0) return error;
  }
  const long result = RawSyscall(__NR_landlock_restrict_self, ruleset, 0);
  RawSyscall(__NR_close, ruleset);
  return ErrorOf(result);
}

// Last before the exec: the filter would be in the way of the steps before it. What comes after it,
// down to the exec of the payload by init, is what every task may do. It needs NO_NEW_PRIVS, or
// CAP_SYS_ADMIN.
int Seccomp(const ChildContext& context, int*) {
  if (context.seccomp_program == nullptr) return 0;
  return ErrorOf(
      RawSyscall(__NR_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, Raw(context.seccomp_program)));
}

int LastCapabilities(const ChildContext& context, int*) {
  return context.no_new_privs ? 0 : SetCapabilities(context, 0);
}

int Init(const ChildContext& context, int*) {
  return ErrorOf(RawSyscall(__NR_execveat, kReportFd + 1, Raw(""), Raw(context.init_argv),
                            Raw(context.envp), AT_EMPTY_PATH));
}

struct Step {
  internal::LaunchStep name;
  StepFunction run;
};

// Signals need no step: CLONE_CLEAR_SIGHAND resets the handlers, and init empties the mask for its
// payload.
constexpr Step kInsideSteps[] = {
    {internal::LAUNCH_STEP_CGROUP_JOIN, CgroupJoin},
    {internal::LAUNCH_STEP_CGROUP_NAMESPACE, CgroupNamespace},
    {internal::LAUNCH_STEP_SESSION, Session},
    {internal::LAUNCH_STEP_KEYRING, Keyring},
    {internal::LAUNCH_STEP_MOUNTS, Mounts},
    {internal::LAUNCH_STEP_OOM_SCORE, OomScore},
    {internal::LAUNCH_STEP_ROOT, Root},
    {internal::LAUNCH_STEP_MASKS, Masks},
    {internal::LAUNCH_STEP_ETC_FILES, EtcFiles},
    {internal::LAUNCH_STEP_HOSTNAME, Hostname},
    {internal::LAUNCH_STEP_LIMITS, Limits},
    {internal::LAUNCH_STEP_USER_NAMESPACE, UserNamespace},
    {internal::LAUNCH_STEP_BOUNDING_SET, BoundingSet},
    {internal::LAUNCH_STEP_IDENTITY, Identity},
    {internal::LAUNCH_STEP_CAPABILITIES, Capabilities},
    {internal::LAUNCH_STEP_DEATH_SIGNAL, DeathSignal},
    {internal::LAUNCH_STEP_NO_NEW_PRIVS, NoNewPrivs},
    {internal::LAUNCH_STEP_UMASK, Umask},
    {internal::LAUNCH_STEP_FDS, Fds},
    {internal::LAUNCH_STEP_CWD, WorkDirectory},
    {internal::LAUNCH_STEP_LANDLOCK, Landlock},
    {internal::LAUNCH_STEP_SECCOMP, Seccomp},
    {internal::LAUNCH_STEP_LAST_CAPABILITIES, LastCapabilities},
    {internal::LAUNCH_STEP_INIT, Init},
};
constexpr int kInsideStepCount = sizeof(kInsideSteps) / sizeof(kInsideSteps[0]);

}  // namespace

void RunChild(const ChildContext* context) {
  // Moved to 3 by FDS; until then, and when FDS fails half way, it is where the launcher put it.
  int report_fd = context->report_fd;
  for (const Step& step : kInsideSteps) {
    int index = 0;
    const int error =
        step.name == context->fail_step ? context->fail_error : step.run(*context, &index);
    if (step.name == internal::LAUNCH_STEP_FDS && error == 0) report_fd = kReportFd;
    if (error == 0) continue;
    const ReportMessage message = {kReportFailed, step.name, index, error, 0, 0};
    RawSyscall(__NR_sendto, report_fd, Raw(&message), sizeof(message), 0x4000 /* MSG_NOSIGNAL */);
    break;
  }
  for (;;) RawSyscall(__NR_exit, 127);
}

StepList InsideSteps() {
  static const int* const names = [] {
    static int list[kInsideStepCount];
    for (int i = 0; i < kInsideStepCount; ++i) list[i] = kInsideSteps[i].name;
    return list;
  }();
  return {names, kInsideStepCount};
}

}  // namespace launch
}  // namespace cloister
