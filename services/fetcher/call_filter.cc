#include "services/fetcher/call_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstdint>

#if !defined(__x86_64__)
#error "The fetcher's filter is written for x86-64: port call_filter.cc"
#endif

namespace cloister::fetcher {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;
// The last call that the lists were written with a knowledge of; those after it get ENOSYS.
constexpr uint32_t kLastKnownCall = 469;

// On the low 32 bits of an argument, as the kernel reads it.
struct Condition {
  // kNotBoth: of two bits.
  enum class Kind { kOneOf, kNoBits, kAllBits, kNotBoth };
  int call;
  int argument;
  Kind kind;
  std::vector<uint32_t> words;
};

// Calls on memory, time, signals of one's own, and on descriptors that are there.
constexpr int kPlainCalls[] = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_poll,
    SYS_ppoll,
    SYS_select,
    SYS_pselect6,
    SYS_close,
    SYS_close_range,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_fstatfs,
    SYS_lseek,
    SYS_brk,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_futex,
    SYS_getrandom,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_time,
    SYS_times,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_exit,
    SYS_exit_group,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_tgkill,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getgroups,
    SYS_getrlimit,
    SYS_getrusage,
    SYS_sysinfo,
    SYS_uname,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_set_robust_list,
    SYS_set_tid_address,
    SYS_rseq,
    SYS_membarrier,
    SYS_pipe2,
    SYS_dup,
    SYS_dup2,
    SYS_dup3,
    SYS_getsockname,
    SYS_getpeername,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_sendto,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_sendmmsg,
    SYS_recvmmsg,
    SYS_shutdown,
    SYS_access,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlink,
    SYS_readlinkat,
    SYS_stat,
    SYS_lstat,
    SYS_getcwd,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_wait,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_timerfd_create,
    SYS_timerfd_settime,
};

// What a cell does in its directory.
constexpr int kTreeCalls[] = {
    SYS_open,
    SYS_openat,
    SYS_openat2,
    SYS_creat,
    SYS_getdents64,
    SYS_mkdir,
    SYS_mkdirat,
    SYS_rmdir,
    SYS_unlink,
    SYS_unlinkat,
    SYS_rename,
    SYS_renameat,
    SYS_renameat2,
    SYS_link,
    SYS_linkat,
    SYS_symlink,
    SYS_symlinkat,
    SYS_chmod,
    SYS_fchmod,
    SYS_fchmodat,
    // To its own id, which changes nothing; libraries ask for it.
    SYS_fchown,
    SYS_fchownat,
    SYS_lchown,
    SYS_utimensat,
    SYS_utimes,
    SYS_truncate,
    SYS_ftruncate,
    SYS_fadvise64,
    SYS_copy_file_range,
    SYS_fsync,
    SYS_fdatasync,
    SYS_flock,
    SYS_chdir,
    SYS_fchdir,
    SYS_umask,
    SYS_msync,
};

// What starting, awaiting and being a program takes beside that.
constexpr int kProgramCalls[] = {
    SYS_execve,
    SYS_wait4,
    SYS_waitid,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    // Where the thread's own data is.
    SYS_arch_prctl,
    SYS_statfs,
};

constexpr uint32_t kNamespaceBits = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

std::vector<Condition> SharedConditions() {
  using Kind = Condition::Kind;
  return {
      {SYS_mprotect, 2, Kind::kNoBits, {PROT_EXEC}},
      {SYS_fcntl,
       1,
       Kind::kOneOf,
       {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
        F_GET_SEALS}},
      {SYS_ioctl, 1, Kind::kOneOf, {FIONBIO, FIONREAD, FIOCLEX}},
      {SYS_prctl, 0, Kind::kOneOf, {PR_SET_NAME, PR_GET_NAME}},
  };
}

sock_filter Statement(uint32_t code, uint32_t value) {
  return {static_cast<uint16_t>(code), 0, 0, value};
}

sock_filter Jump(uint32_t code, uint32_t value, size_t if_true, size_t if_false) {
  return {static_cast<uint16_t>(BPF_JMP | BPF_K | code), static_cast<uint8_t>(if_true),
          static_cast<uint8_t>(if_false), value};
}

sock_filter Return(uint32_t action) { return Statement(BPF_RET | BPF_K, action); }

sock_filter Refusal(int error) {
  return Return(SECCOMP_RET_ERRNO | (static_cast<uint32_t>(error) & SECCOMP_RET_DATA));
}

class Program {
 public:
  Program() {
    Load(offsetof(seccomp_data, arch));
    Add(Jump(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0));
    Add(Return(SECCOMP_RET_KILL_PROCESS));
    Load(offsetof(seccomp_data, nr));
    Add(Jump(BPF_JGE, kX32Bit, 0, 1));
    Add(Return(SECCOMP_RET_KILL_PROCESS));
  }

  void Allow(int call) {
    Add(Jump(BPF_JEQ, static_cast<uint32_t>(call), 0, 1));
    Add(Return(SECCOMP_RET_ALLOW));
  }

  // Without the kernel's doing; 0: as if it was done.
  void Answer(int call, int error) {
    Add(Jump(BPF_JEQ, static_cast<uint32_t>(call), 0, 1));
    Add(Refusal(error));
  }

  void AllowIf(const Condition& condition) {
    const size_t words = condition.words.size();
    // The load, a jump for each word, and the two answers.
    Add(Jump(BPF_JEQ, static_cast<uint32_t>(condition.call), 0, words + 3));
    Load(static_cast<uint32_t>(offsetof(seccomp_data, args) +
                               sizeof(uint64_t) * static_cast<size_t>(condition.argument)));
    for (size_t i = 0; i < words; ++i) {
      const size_t to_refusal = words - 1 - i;
      const size_t to_allow = to_refusal + 1;
      switch (condition.kind) {
        case Condition::Kind::kOneOf:
          Add(Jump(BPF_JEQ, condition.words[i], to_allow, i + 1 == words ? to_refusal : 0));
          break;
        case Condition::Kind::kNoBits:
          Add(Jump(BPF_JSET, condition.words[i], to_refusal, i + 1 == words ? to_allow : 0));
          break;
        case Condition::Kind::kAllBits:
          // Of one bit a word.
          Add(Jump(BPF_JSET, condition.words[i], i + 1 == words ? to_allow : 0, to_refusal));
          break;
        case Condition::Kind::kNotBoth:
          Add(Jump(BPF_JSET, condition.words[i], i + 1 == words ? to_refusal : 0, to_allow));
          break;
      }
    }
    Add(Refusal(EPERM));
    Add(Return(SECCOMP_RET_ALLOW));
  }

  std::vector<sock_filter> Finish() && {
    Add(Jump(BPF_JEQ, SYS_clone3, 1, 0));
    Add(Jump(BPF_JGT, kLastKnownCall, 0, 1));
    Add(Refusal(ENOSYS));
    Add(Refusal(EPERM));
    return std::move(program_);
  }

 private:
  void Add(sock_filter instruction) { program_.push_back(instruction); }
  void Load(size_t offset) {
    Add(Statement(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  }

  std::vector<sock_filter> program_;
};

Condition NoCode() { return {SYS_mmap, 2, Condition::Kind::kNoBits, {PROT_EXEC}}; }

Program SharedProgram() {
  Program program;
  for (int call : kPlainCalls) program.Allow(call);
  for (const Condition& condition : SharedConditions()) program.AllowIf(condition);
  return program;
}

Program SharedCellProgram() {
  using Kind = Condition::Kind;
  Program program = SharedProgram();
  for (int call : kTreeCalls) program.Allow(call);
  // libcurl connects once more what it is given. All sockets that a cell has are connected: this is
  // done without a look at it, and does nothing.
  program.Answer(SYS_connect, 0);
  // Blocks that are had without being written are in no account of what a cell has written
  // (output_size.h). The C library writes instead where a file system cannot do it.
  program.Answer(SYS_fallocate, EOPNOTSUPP);
  program.AllowIf({SYS_socketpair, 0, Kind::kOneOf, {AF_UNIX}});
  return program;
}

}  // namespace

std::vector<sock_filter> MakeCellFilter() {
  using Kind = Condition::Kind;
  Program program = SharedCellProgram();
  program.AllowIf(NoCode());
  // Threads and nothing else.
  program.AllowIf({SYS_clone, 0, Kind::kAllBits, {CLONE_THREAD, CLONE_VM}});
  return std::move(program).Finish();
}

std::vector<sock_filter> MakeProgramCellFilter() {
  using Kind = Condition::Kind;
  Program program = SharedCellProgram();
  for (int call : kProgramCalls) program.Allow(call);
  // Code comes from files alone, and those that can be written are mounted noexec.
  program.AllowIf({SYS_mmap, 2, Kind::kNotBoth, {PROT_EXEC, PROT_WRITE}});
  program.AllowIf({SYS_clone, 0, Kind::kNoBits, {kNamespaceBits}});
  program.AllowIf({SYS_prlimit64, 0, Kind::kOneOf, {0}});
  return std::move(program).Finish();
}

std::vector<sock_filter> MakeBrokerFilter() {
  using Kind = Condition::Kind;
  Program program = SharedProgram();
  program.AllowIf(NoCode());
  program.Allow(SYS_connect);
  // Of a netlink socket, by which the C library asks for the node's addresses.
  program.Allow(SYS_bind);
  program.AllowIf({SYS_socket, 0, Kind::kOneOf, {AF_INET, AF_INET6, AF_NETLINK}});
  program.AllowIf({SYS_openat, 2, Kind::kNoBits, {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC}});
  return std::move(program).Finish();
}

}  // namespace cloister::fetcher
