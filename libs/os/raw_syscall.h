// System calls without libc: between clone and exec the child shares memory, TLS and errno with a
// running launcher thread, so nothing there may go through a libc wrapper (which sets errno, or
// takes part in setxid broadcasts). Also all that the freestanding init has. Results are the
// kernel's: -errno on failure.
#ifndef CLOISTER_LIBS_OS_RAW_SYSCALL_H_
#define CLOISTER_LIBS_OS_RAW_SYSCALL_H_

#include <asm/unistd.h>

#if !defined(__x86_64__)
#error \
    "Cloister's launch code is written for x86-64: port raw_syscall.h, clone_child.cc and init.cc"
#endif

namespace cloister {

inline long RawSyscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                       long f = 0) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

template <typename T>
inline long Raw(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

}  // namespace cloister

#endif  // CLOISTER_LIBS_OS_RAW_SYSCALL_H_
