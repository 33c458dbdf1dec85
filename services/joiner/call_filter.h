// The system calls of the joiner, which has a filter for them before it is told what to do.
#ifndef CLOISTER_SERVICES_JOINER_CALL_FILTER_H_
#define CLOISTER_SERVICES_JOINER_CALL_FILTER_H_

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "libs/os/raw_syscall.h"

namespace cloister::files {

// The few calls that the rest of this program makes; any other ends it.
inline long Confine() {
  constexpr int kCalls[] = {__NR_sendto,     __NR_recvfrom, __NR_openat2,    __NR_statx,
                            __NR_fstatfs,    __NR_close,    __NR_pread64,    __NR_write,
                            __NR_getdents64, __NR_lseek,    __NR_readlinkat, __NR_fchmod,
                            __NR_renameat2,  __NR_unlinkat, __NR_exit_group};
  constexpr int kCount = sizeof(kCalls) / sizeof(kCalls[0]);
  sock_filter program[kCount + 6];
  int at = 0;
  program[at++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  program[at++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[at++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (int i = 0; i < kCount; ++i) {
    program[at++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(kCalls[i]),
                             static_cast<unsigned char>(kCount - i), 0);
  }
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog filter = {static_cast<unsigned short>(at), program};
  return RawSyscall(__NR_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, Raw(&filter));
}

}  // namespace cloister::files

#endif  // CLOISTER_SERVICES_JOINER_CALL_FILTER_H_
