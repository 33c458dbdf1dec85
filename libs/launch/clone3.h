// clone3(2) of a child that shares the caller's memory and has a stack of its own.
#ifndef CLOISTER_LIBS_LAUNCH_CLONE3_H_
#define CLOISTER_LIBS_LAUNCH_CLONE3_H_

#include <linux/sched.h>

#include "libs/launch/raw_syscall.h"

namespace cloister {
namespace launch {

// The child calls `run` with `context`, on the stack of `arguments`, and must not come back from
// it. The caller gets the pid, or -errno. In assembly, because the child must not return through
// the caller's frame: it has another stack.
template <typename Context>
inline long Clone3(clone_args* arguments, void (*run)(const Context*), const Context* context) {
  long result;
  __asm__ volatile(
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %[context], %%rdi\n"
      "call *%[run]\n"
      "hlt\n"
      "1:\n"
      : "=a"(result)
      : "a"(__NR_clone3), "D"(arguments),
        "S"(sizeof(*arguments)), [context] "b"(context), [run] "d"(run)
      : "rcx", "r11", "memory");
  return result;
}

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_CLONE3_H_
