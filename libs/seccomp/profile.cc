#include "libs/seccomp/profile.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "libs/task/sha256.h"

namespace cloister::seccomp {
namespace {

// Of every task, by subject. Those of i386 alone are among them: chown32, _llseek, ugetrlimit.
constexpr absl::string_view kAllowed[] = {
    // Files and directories.
    "access chdir chmod chown chown32 creat faccessat faccessat2 fchdir fchmod fchmodat fchmodat2 "
    "fchown fchown32 fchownat getcwd getdents getdents64 lchown lchown32 link linkat mkdir mkdirat "
    "mknod mknodat name_to_handle_at open openat openat2 readlink readlinkat rename renameat "
    "renameat2 rmdir symlink symlinkat umask unlink unlinkat",
    "file_getattr fstat fstat64 fstatat64 fstatfs fstatfs64 futimesat lstat lstat64 newfstatat "
    "stat "
    "stat64 statfs statfs64 statx utime utimensat utimensat_time64 utimes",
    "fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr "
    "listxattrat llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat",
    "fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch",
    // Descriptors.
    "close close_range dup dup2 dup3 fcntl fcntl64 flock pipe pipe2 poll ppoll ppoll_time64 "
    "pselect6 pselect6_time64 select _newselect",
    "cachestat copy_file_range fadvise64 fadvise64_64 fallocate fdatasync fsync ftruncate "
    "ftruncate64 _llseek lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead "
    "readv sendfile sendfile64 splice sync sync_file_range syncfs tee truncate truncate64 vmsplice "
    "write writev",
    "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
    "epoll_wait_old eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_gettime "
    "timerfd_gettime64 timerfd_settime timerfd_settime64",
    "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit",
    // Memory.
    "brk get_mempolicy madvise map_shadow_stack memfd_create memfd_secret membarrier mincore mlock "
    "mlock2 mlockall mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc "
    "pkey_free pkey_mprotect process_mrelease remap_file_pages",
    // Processes, threads, signals.
    "capget capset execve execveat exit exit_group fork get_robust_list get_thread_area getegid "
    "getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid "
    "getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid "
    "gettid getuid getuid32 kill pause pidfd_open pidfd_send_signal prctl prlimit64 "
    "restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
    "rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo set_robust_list "
    "set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 "
    "setgroups setgroups32 setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid "
    "setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 sigaltstack sigprocmask "
    "sigreturn tgkill tkill ugetrlimit uretprobe vfork wait4 waitid waitpid",
    "arch_prctl modify_ldt",
    "getcpu ioprio_get ioprio_set sched_get_priority_max sched_get_priority_min sched_getaffinity "
    "sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval "
    "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
    "sched_setscheduler sched_yield",
    "futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake",
    // More walls of the task's own.
    "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp",
    // Time.
    "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
    "clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep "
    "setitimer time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 "
    "timer_settime timer_settime64 times",
    // Talking: sockets, System V and POSIX queues.
    "accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg "
    "recvmmsg_time64 recvmsg sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair",
    "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
    "mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop "
    "semtimedop_time64 shmat shmctl shmdt shmget",
    // The machine.
    "getrandom sysinfo uname",
};

// Of a task that has to do with no process but its own. With the node's pid namespace they would
// reach the processes of every task of its user, where the kernel has no Landlock.
constexpr absl::string_view kTracing = "process_vm_readv process_vm_writev ptrace";

struct Opened {
  int capability;
  absl::string_view calls;
};

constexpr Opened kOpened[] = {
    {CAP_BPF, "bpf"},
    {CAP_DAC_READ_SEARCH, "open_by_handle_at"},
    {CAP_PERFMON, "perf_event_open"},
    {CAP_SYSLOG, "syslog"},
    {CAP_SYS_ADMIN,
     "bpf fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie mount "
     "mount_setattr "
     "move_mount open_tree open_tree_attr perf_event_open pivot_root quotactl quotactl_fd "
     "setdomainname sethostname setns statmount syslog umount umount2"},
    {CAP_SYS_BOOT, "reboot"},
    {CAP_SYS_CHROOT, "chroot"},
    {CAP_SYS_MODULE, "delete_module finit_module init_module"},
    {CAP_SYS_NICE, "mbind set_mempolicy set_mempolicy_home_node"},
    {CAP_SYS_PACCT, "acct"},
    {CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"},
    {CAP_SYS_RAWIO, "ioperm iopl"},
    {CAP_SYS_TIME, "clock_settime clock_settime64 settimeofday stime"},
    {CAP_SYS_TTY_CONFIG, "vhangup"},
};

// Newer, and not for tasks; with ENOSYS their users do without.
constexpr absl::string_view kNotThere =
    "clone3 listmount lsm_get_self_attr lsm_list_modules lsm_set_self_attr statmount";

constexpr uint32_t kNewNamespaces = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS |
                                    CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;
// In clone's flags this bit is part of the exit signal; only unshare has it.
constexpr uint32_t kNewTime = CLONE_NEWTIME;

// 32-bit programs have a number of their own for it: the size of a long is part of it.
constexpr uint32_t kSetFlags32 = 0x40046602;
constexpr uint32_t kTiocsti = TIOCSTI;
constexpr uint32_t kTioclinux = TIOCLINUX;

// PER_LINUX, PER_LINUX32, each also with UNAME26, and the question for the present one. Others
// switch off protections: ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC.
const std::vector<uint32_t>& Personalities() {
  static const auto* const kWords =
      new std::vector<uint32_t>{0x0, 0x8, 0x20000, 0x20008, 0xffffffff};
  return *kWords;
}

void Allow(absl::string_view calls, Profile* profile) {
  for (absl::string_view call : absl::StrSplit(calls, ' ', absl::SkipEmpty())) {
    profile->rules[std::string(call)] = Rule();
  }
}

void AllowIf(absl::string_view call, Condition condition, Profile* profile) {
  profile->rules[std::string(call)] = Rule{0, std::move(condition)};
}

bool Has(uint64_t capabilities, int capability) { return (capabilities >> capability & 1) != 0; }

std::string ConditionText(const Condition& condition) {
  constexpr const char* kWords[] = {"one of", "none of", "no bits of"};
  return absl::StrCat(" if argument ", condition.argument, " is ",
                      kWords[static_cast<int>(condition.kind)], " ",
                      absl::StrJoin(condition.words, " "));
}

}  // namespace

uint64_t CapabilitiesThatCount() {
  uint64_t bits = 0;
  for (const Opened& opened : kOpened) bits |= uint64_t{1} << opened.capability;
  return bits;
}

std::vector<std::string> CallsOpenedBy(int capability) {
  for (const Opened& opened : kOpened) {
    if (opened.capability == capability) return absl::StrSplit(opened.calls, ' ');
  }
  return {};
}

Profile MakeDefaultProfile(uint64_t capabilities, bool host_pids) {
  Profile profile;
  profile.name = kDefaultProfile;
  for (absl::string_view calls : kAllowed) Allow(calls, &profile);
  for (absl::string_view call : absl::StrSplit(kNotThere, ' ')) {
    profile.rules[std::string(call)] = Rule{ENOSYS, absl::nullopt};
  }
  if (!host_pids) Allow(kTracing, &profile);
  for (const Opened& opened : kOpened) {
    if (Has(capabilities, opened.capability)) Allow(opened.calls, &profile);
  }
  // Whoever may make namespaces may not make those in which it would hold every capability.
  const bool admin = Has(capabilities, CAP_SYS_ADMIN);
  const uint32_t refused = admin ? uint32_t{CLONE_NEWUSER} : kNewNamespaces;
  using Kind = Condition::Kind;
  AllowIf("clone", {0, Kind::kNoBits, {refused}}, &profile);
  AllowIf("unshare", {0, Kind::kNoBits, {refused | (admin ? 0 : kNewTime)}}, &profile);
  // Sockets to the hypervisor know no namespace. (32-bit programs come past by socketcall, whose
  // arguments are behind a pointer.)
  AllowIf("socket", {0, Kind::kNoneOf, {AF_VSOCK}}, &profile);
  AllowIf("personality", {0, Kind::kOneOf, Personalities()}, &profile);
  // Key strokes into the terminal of whoever started the task; and what disk quotas go by.
  AllowIf("ioctl",
          {1,
           Kind::kNoneOf,
           {kTiocsti, kTioclinux, static_cast<uint32_t>(FS_IOC_FSSETXATTR),
            static_cast<uint32_t>(FS_IOC_SETFLAGS), kSetFlags32}},
          &profile);
  return profile;
}

std::string ProfileHash(const Profile& profile) {
  std::string text = absl::StrCat("cloister seccomp profile 1 ", profile.name, "\n");
  for (const auto& [call, rule] : profile.rules) {
    absl::StrAppend(&text, call, " ", rule.error,
                    rule.condition.has_value() ? ConditionText(*rule.condition) : "", "\n");
  }
  constexpr size_t kBytes = 16;
  return absl::BytesToHexString(task::Sha256(text).substr(0, kBytes));
}

std::string DefaultProfileHash(uint64_t capabilities, bool host_pids) {
  struct Known {
    absl::Mutex mutex;
    std::map<std::pair<uint64_t, bool>, std::string> hashes;
  };
  static Known* const known = new Known();
  const uint64_t counting = capabilities & CapabilitiesThatCount();
  absl::MutexLock lock(&known->mutex);
  std::string& hash = known->hashes[{counting, host_pids}];
  if (hash.empty()) hash = ProfileHash(MakeDefaultProfile(counting, host_pids));
  return hash;
}

}  // namespace cloister::seccomp
