#include "services/fetcher/call_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace cloister::fetcher {
namespace {

// What the kernel would answer: the few instructions that filters are made of.
uint32_t Answer(const std::vector<sock_filter>& program, const seccomp_data& call) {
  uint32_t value = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        memcpy(&value, reinterpret_cast<const char*>(&call) + step.k, sizeof(value));
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += value == step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += value >= step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        at += value > step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        at += (value & step.k) != 0 ? step.jt : step.jf;
        break;
      case BPF_RET | BPF_K:
        return step.k;
      default:
        ADD_FAILURE() << "instruction " << step.code;
        return 0;
    }
  }
  ADD_FAILURE() << "no answer";
  return 0;
}

constexpr uint32_t kRefused = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;
constexpr uint32_t kAllowed = SECCOMP_RET_ALLOW;

seccomp_data Call(int number, std::vector<uint64_t> arguments = {}) {
  seccomp_data call = {};
  call.nr = number;
  call.arch = AUDIT_ARCH_X86_64;
  for (size_t i = 0; i < arguments.size(); ++i) call.args[i] = arguments[i];
  return call;
}

uint32_t OfCell(int number, std::vector<uint64_t> arguments = {}) {
  return Answer(MakeCellFilter(), Call(number, std::move(arguments)));
}

uint32_t OfProgramCell(int number, std::vector<uint64_t> arguments = {}) {
  return Answer(MakeProgramCellFilter(), Call(number, std::move(arguments)));
}

uint32_t OfBroker(int number, std::vector<uint64_t> arguments = {}) {
  return Answer(MakeBrokerFilter(), Call(number, std::move(arguments)));
}

TEST(CallFilterTest, OtherArchitecturesEndTheProcess) {
  seccomp_data call = Call(SYS_read);
  call.arch = AUDIT_ARCH_I386;
  EXPECT_EQ(Answer(MakeCellFilter(), call), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(OfCell(0x40000000 | SYS_read), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(OfBroker(0x40000000 | SYS_read), SECCOMP_RET_KILL_PROCESS);
}

TEST(CallFilterTest, ACellHasFilesAndThreadsAndNoNewSockets) {
  for (int call : {SYS_read, SYS_write, SYS_openat, SYS_openat2, SYS_mkdirat, SYS_recvmsg}) {
    EXPECT_EQ(OfCell(call), kAllowed) << call;
  }
  for (int call :
       {SYS_execve, SYS_execveat, SYS_socket, SYS_bind, SYS_listen, SYS_ptrace, SYS_mount,
        SYS_unshare, SYS_mknodat, SYS_kill, SYS_vfork, SYS_fork, SYS_memfd_create}) {
    EXPECT_EQ(OfCell(call), kRefused) << call;
  }
  EXPECT_EQ(OfCell(SYS_fallocate), SECCOMP_RET_ERRNO | EOPNOTSUPP);
  EXPECT_EQ(OfCell(SYS_connect), SECCOMP_RET_ERRNO) << "it says 0 and does nothing";
  EXPECT_EQ(OfCell(SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}), kAllowed);
  EXPECT_EQ(OfCell(SYS_clone, {CLONE_VM}), kRefused);
  EXPECT_EQ(OfCell(SYS_clone, {CLONE_THREAD}), kRefused);
  EXPECT_EQ(OfCell(SYS_clone, {0}), kRefused);
  EXPECT_EQ(OfCell(SYS_socketpair, {AF_UNIX}), kAllowed);
  EXPECT_EQ(OfCell(SYS_socketpair, {AF_INET}), kRefused);
}

TEST(CallFilterTest, ACellOfProgramsStartsThemAndHasNoMoreSocketsOrNamespaces) {
  for (int call : {SYS_read, SYS_openat, SYS_execve, SYS_waitid, SYS_pidfd_open, SYS_arch_prctl}) {
    EXPECT_EQ(OfProgramCell(call), kAllowed) << call;
  }
  for (int call :
       {SYS_execveat, SYS_socket, SYS_bind, SYS_listen, SYS_accept4, SYS_ptrace, SYS_mount,
        SYS_unshare, SYS_setns, SYS_mknodat, SYS_kill, SYS_memfd_create, SYS_process_vm_readv,
        SYS_process_vm_writev, SYS_personality, SYS_setuid, SYS_seccomp}) {
    EXPECT_EQ(OfProgramCell(call), kRefused) << call;
  }
  EXPECT_EQ(OfProgramCell(SYS_connect), SECCOMP_RET_ERRNO) << "it says 0 and does nothing";
  EXPECT_EQ(OfProgramCell(SYS_clone, {CLONE_VM | CLONE_VFORK | 17}), kAllowed);
  EXPECT_EQ(OfProgramCell(SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}), kAllowed);
  for (uint64_t bit : {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC,
                       CLONE_NEWUTS, CLONE_NEWCGROUP}) {
    EXPECT_EQ(OfProgramCell(SYS_clone, {bit | CLONE_VM | 17}), kRefused) << bit;
  }
  EXPECT_EQ(OfProgramCell(SYS_clone3), kUnknown);
  EXPECT_EQ(OfProgramCell(SYS_prlimit64, {0, 7}), kAllowed);
  EXPECT_EQ(OfProgramCell(SYS_prlimit64, {1, 7}), kRefused) << "another's";
}

// What is written is never run, and what is run comes from a file.
TEST(CallFilterTest, ACellOfProgramsMapsCodeThatItCannotWrite) {
  EXPECT_EQ(OfProgramCell(SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}), kAllowed);
  EXPECT_EQ(OfProgramCell(SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE}), kAllowed);
  EXPECT_EQ(OfProgramCell(SYS_mmap, {0, 4096, PROT_NONE}), kAllowed);
  EXPECT_EQ(OfProgramCell(SYS_mmap, {0, 4096, PROT_WRITE | PROT_EXEC}), kRefused);
  EXPECT_EQ(OfProgramCell(SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC}), kRefused);
  EXPECT_EQ(OfProgramCell(SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}), kRefused);
}

TEST(CallFilterTest, ABrokerHasInternetSocketsAndReads) {
  for (uint64_t family : {AF_INET, AF_INET6, AF_NETLINK}) {
    EXPECT_EQ(OfBroker(SYS_socket, {family}), kAllowed) << family;
  }
  for (uint64_t family : {AF_UNIX, AF_PACKET, AF_VSOCK, AF_ALG}) {
    EXPECT_EQ(OfBroker(SYS_socket, {family}), kRefused) << family;
  }
  EXPECT_EQ(OfBroker(SYS_connect), kAllowed);
  EXPECT_EQ(OfBroker(SYS_openat, {0, 0, O_RDONLY | O_CLOEXEC}), kAllowed);
  EXPECT_EQ(OfBroker(SYS_openat, {0, 0, O_WRONLY}), kRefused);
  EXPECT_EQ(OfBroker(SYS_openat, {0, 0, O_RDWR}), kRefused);
  EXPECT_EQ(OfBroker(SYS_openat, {0, 0, O_RDONLY | O_CREAT}), kRefused);
  for (int call : {SYS_execve, SYS_clone, SYS_listen, SYS_openat2, SYS_mkdirat, SYS_unlinkat}) {
    EXPECT_EQ(OfBroker(call), kRefused) << call;
  }
}

TEST(CallFilterTest, MemoryIsNeverExecutable) {
  EXPECT_EQ(OfCell(SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE}), kAllowed);
  EXPECT_EQ(OfCell(SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}), kRefused);
  EXPECT_EQ(OfCell(SYS_mprotect, {0, 4096, PROT_EXEC}), kRefused);
  EXPECT_EQ(OfBroker(SYS_mprotect, {0, 4096, PROT_EXEC}), kRefused);
}

// The kernel reads the low half alone.
TEST(CallFilterTest, TheHighHalfOfAnArgumentHidesNothing) {
  constexpr uint64_t kHigh = uint64_t{1} << 40;
  EXPECT_EQ(OfCell(SYS_mmap, {0, 4096, kHigh | PROT_EXEC}), kRefused);
  EXPECT_EQ(OfBroker(SYS_socket, {kHigh | AF_PACKET}), kRefused);
}

TEST(CallFilterTest, NewerCallsAreUnknown) {
  EXPECT_EQ(OfCell(SYS_clone3), kUnknown);
  EXPECT_EQ(OfCell(5000), kUnknown);
  EXPECT_EQ(OfBroker(470), kUnknown);
  EXPECT_EQ(OfBroker(469), kRefused);
}

}  // namespace
}  // namespace cloister::fetcher
