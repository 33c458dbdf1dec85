// init: PID 1 of each task, or with pid_mode "host" the reaper of its orphans. A freestanding
// static program, executed from a sealed memfd that the task cannot read or change, so that nothing
// of ours (memory, descriptors, environment) is in the task's reach.
//
//   argv  [""] CANDIDATE... "" ARG...   paths to try in order; the empty one ends them and is where
//   the payload's argv begins env   the payload's, passed on untouched; init reads nothing of it
//   fds 0 1 2 the payload's; 3 the report socket
//
// It starts the payload in a vforked child, hands the payload's pidfd to the launcher, forwards
// signals, reaps, and tells the raw wait status before it exits: a namespace's init cannot die of a
// signal that it sends itself, so its own exit status cannot carry one.
#include <asm/stat.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include <linux/wait.h>

#include "libs/launch/own_directories.h"
#include "libs/launch/report_message.h"
#include "libs/os/raw_syscall.h"

namespace cloister {
namespace launch {
namespace {

constexpr unsigned long kKernelSigsetSize = 8;
constexpr unsigned long kAllSignals = ~0UL;
constexpr int kSigKill = 9;
constexpr int kSigChild = 17;

// Of the vforked child, which runs while init itself sleeps.
alignas(16) char g_child_stack[16 * 1024];

struct Payload {
  char** candidates;
  char** argv;  // argv[0] is filled in with the candidate
  char** envp;
};

// Written by the child in our memory; it shares it until its exec.
volatile int g_exec_failed;

// In the node's pid namespace (pid_mode "host"), where we are not PID 1.
bool g_host_pids;

long long WallNs() {
  struct {
    long long seconds;
    long long nanoseconds;
  } now;
  if (RawSyscall(__NR_clock_gettime, 0 /* CLOCK_REALTIME */, Raw(&now)) != 0) return 0;
  return now.seconds * 1000000000 + now.nanoseconds;
}

void Send(const ReportMessage& message) {
  RawSyscall(__NR_sendto, kReportFd, Raw(&message), sizeof(message), 0x4000 /* MSG_NOSIGNAL */);
}

[[noreturn]] void Exit(int code) {
  for (;;) RawSyscall(__NR_exit_group, code);
}

// What init needs before there is a payload: without it there is none.
void FailIf(long result) {
  if (result >= 0) return;
  Send({kReportFailed, kStepExec, 0, static_cast<int>(-result), 0, 0});
  Exit(127);
}

// chmod by descriptor, of one that was opened with O_PATH: fchmod does not take such a one, and
// fchmodat2 is of Linux 6.6.
long ChangeMode(long fd, unsigned mode) {
  char path[32] = "/proc/self/fd/";
  int end = 14;
  int digits = 1;
  for (long left = fd; left >= 10; left /= 10) ++digits;
  for (int i = digits - 1; i >= 0; --i, fd /= 10) {
    path[end + i] = static_cast<char>('0' + fd % 10);
  }
  path[end + digits] = '\0';
  return RawSyscall(__NR_chmod, Raw(path), mode);
}

// As the exec driver does, but for a regular file in the task's own directories alone: the opened
// file is the one that is looked at and changed, no link leads out of the directory, and a volume
// that is mounted in it is another mount (RESOLVE_NO_XDEV). As the task's user, so nothing is
// changed that the task could not change itself. True if something was.
bool MakeExecutable(const char* path) {
  for (const char* own : kOwnDirectories) {
    const char* rest = RestBeneath(path, own);
    if (rest == nullptr) continue;
    const long directory =
        RawSyscall(__NR_openat, AT_FDCWD, Raw(own), O_PATH | O_DIRECTORY | O_CLOEXEC);
    const open_how how = {O_PATH | O_CLOEXEC, 0,
                          RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    const long file = RawSyscall(__NR_openat2, directory, Raw(rest), Raw(&how), sizeof(how));
    struct stat status;
    const bool changed = file >= 0 && RawSyscall(__NR_fstat, file, Raw(&status)) == 0 &&
                         S_ISREG(status.st_mode) && (status.st_mode & 0555) != 0555 &&
                         ChangeMode(file, (status.st_mode & 07777) | 0555) == 0;
    RawSyscall(__NR_close, file);
    RawSyscall(__NR_close, directory);
    return changed;
  }
  return false;
}

int Execute(const Payload& payload) {
  return static_cast<int>(
      -RawSyscall(__NR_execve, Raw(payload.argv[0]), Raw(payload.argv), Raw(payload.envp)));
}

// Only "not here" errors go on to the next place; what is there and cannot run is the answer.
bool TryNext(int error) { return error == ENOENT || error == ENOTDIR || error == EACCES; }

[[noreturn]] void RunPayload(Payload* payload) {
  // A session of its own: signals that the payload sends to its process group do not reach init.
  RawSyscall(__NR_setsid);
  // In the node's pid namespace our death takes nothing along by itself. The payload can undo this;
  // the cgroup, which is killed in the end, it cannot leave.
  if (g_host_pids) RawSyscall(__NR_prctl, PR_SET_PDEATHSIG, kSigKill);
  unsigned long none = 0;
  RawSyscall(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, Raw(&none), 0, kKernelSigsetSize);
  int error = ENOENT;
  int index = 0;
  // To argv, not to the empty string: that stood in argv[0], which is the candidate's now.
  for (int i = 0; payload->candidates + i != payload->argv; ++i) {
    payload->argv[0] = payload->candidates[i];
    int failure = Execute(*payload);
    if (failure == EACCES && MakeExecutable(payload->argv[0])) failure = Execute(*payload);
    // A file without permission says more than the places after it where there is none.
    if (error != EACCES) {
      error = failure;
      index = i;
    }
    if (!TryNext(failure)) {
      error = failure;
      index = i;
      break;
    }
  }
  g_exec_failed = 1;
  Send({kReportFailed, kStepExec, index, error, 0, 0});
  Exit(127);
}

// vfork into RunPayload on g_child_stack. Inline assembly, because the child must not return
// through our frame.
long ClonePayload(Payload* payload, int* pidfd) {
  char* stack = g_child_stack + sizeof(g_child_stack);
  const unsigned long flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | kSigChild;
  long result;
  register int* r10 __asm__("r10") = nullptr;
  register long r8 __asm__("r8") = 0;
  __asm__ volatile(
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %[payload], %%rdi\n"
      "call *%[run]\n"
      "hlt\n"
      "1:\n"
      : "=a"(result)
      : "a"(__NR_clone), "D"(flags), "S"(stack), "d"(pidfd), "r"(r10),
        "r"(r8), [payload] "b"(payload), [run] "r"(&RunPayload)
      : "rcx", "r11", "memory");
  return result;
}

// EXECED with the payload's pidfd: the launcher signals the payload itself by it, with root's
// rights and in any state.
void SendExeced(int pidfd) {
  ReportMessage message = {kReportExeced, 0, 0, 0, 0, 0};
  struct {
    void* base;
    unsigned long size;
  } piece = {&message, sizeof(message)};
  struct {
    unsigned long size;
    int level;
    int type;
    int fd;
    int padding;
  } control = {20, 1 /* SOL_SOCKET */, 1 /* SCM_RIGHTS */, pidfd, 0};
  struct {
    void* name;
    int name_size;
    void* pieces;
    unsigned long piece_count;
    void* control;
    unsigned long control_size;
    int flags;
  } header = {nullptr, 0, &piece, 1, &control, sizeof(control), 0};
  RawSyscall(__NR_sendmsg, kReportFd, Raw(&header), 0x4000 /* MSG_NOSIGNAL */);
}

// Reaps all that has ended. Does not return when the payload was among it.
void ReapAll(long payload) {
  for (;;) {
    int status = 0;
    const long pid = RawSyscall(__NR_wait4, -1, Raw(&status), WNOHANG | __WALL);
    if (pid <= 0) return;
    if (pid != payload) continue;
    Send({kReportExited, 0, 0, 0, status, WallNs()});
    Exit(0);
  }
}

[[noreturn]] void Serve(long payload, int signals) {
  struct pollfd fds[2] = {{signals, POLLIN, 0}, {kReportFd, 0, 0}};
  for (;;) {
    ReapAll(payload);
    if (RawSyscall(__NR_poll, Raw(fds), 2, -1) < 0) {
      // The payload, as the same user, may have taken our RLIMIT_NOFILE away: then the next signal
      // is waited for in read, and the parent-death signal alone tells of the launcher's end.
      fds[0].revents = POLLIN;
      fds[1].revents = 0;
    }
    // The launcher is gone: nobody would ever learn of us. (The parent-death signal says the same;
    // this one cannot be lost.)
    if ((fds[1].revents & POLLHUP) != 0) {
      if (g_host_pids) RawSyscall(__NR_kill, payload, kSigKill);
      Exit(kSigKill);
    }
    if ((fds[0].revents & POLLIN) == 0) continue;
    unsigned char info[128];  // signalfd_siginfo
    if (RawSyscall(__NR_read, signals, Raw(info), sizeof(info)) != sizeof(info)) continue;
    const int signal = static_cast<int>(*reinterpret_cast<unsigned*>(info));
    if (signal != kSigChild) RawSyscall(__NR_kill, payload, signal);
  }
}

}  // namespace

extern "C" [[noreturn]] void InitMain(long* stack) {
  const long argc = stack[0];
  char** argv = reinterpret_cast<char**>(stack + 1);
  char** const envp = argv + argc + 1;
  // No candidate is empty.
  const bool replace_us = argv[0][0] == '\0';
  if (replace_us) ++argv;
  Payload payload = {argv, argv, envp};
  while (payload.argv[0][0] != '\0') ++payload.argv;
  // Before the payload exists: it runs as the same user and must not be able to trace us or read
  // our descriptors.
  FailIf(RawSyscall(__NR_prctl, PR_SET_DUMPABLE, 0));
  FailIf(RawSyscall(__NR_prctl, PR_SET_PDEATHSIG, kSigKill));
  FailIf(RawSyscall(__NR_fcntl, kReportFd, F_SETFD, FD_CLOEXEC));
  // The end of file on the report socket says then that the exec is done.
  if (replace_us) RunPayload(&payload);
  g_host_pids = RawSyscall(__NR_getpid) != 1;
  // So that the payload's orphans come to us here, too, and not to the node's PID 1.
  if (g_host_pids) FailIf(RawSyscall(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1));
  // What the operator's ps shows; by itself it would be the memfd's. No fence hangs on it.
  RawSyscall(__NR_prctl, PR_SET_NAME, Raw("cloister-init"));
  // All blocked: a blocked signal is queued even for a namespace's init, which otherwise drops what
  // it has no handler for.
  FailIf(RawSyscall(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, Raw(&kAllSignals), 0,
                    kKernelSigsetSize));
  const long signals =
      RawSyscall(__NR_signalfd4, -1, Raw(&kAllSignals), kKernelSigsetSize, O_CLOEXEC);
  FailIf(signals);
  int pidfd = -1;
  const long child = ClonePayload(&payload, &pidfd);
  FailIf(child);
  if (g_exec_failed != 0) Exit(127);
  SendExeced(pidfd);
  RawSyscall(__NR_close, pidfd);
  // Ours would keep the output pipes open beyond the payload and its children.
  for (int fd = 0; fd < kReportFd; ++fd) RawSyscall(__NR_close, fd);
  Serve(child, static_cast<int>(signals));
}

}  // namespace launch
}  // namespace cloister

__asm__(
    ".globl _start\n"
    "_start:\n"
    "xor %ebp, %ebp\n"
    "mov %rsp, %rdi\n"
    "and $-16, %rsp\n"
    "call InitMain\n"
    "hlt\n");
