// clone3(2) of a child that shares the caller's memory and has a stack of its own, and what stands
// in for it where the kernel, or a filter that the launcher runs under, does not know the call.
#ifndef CLOISTER_LIBS_LAUNCH_CLONE3_H_
#define CLOISTER_LIBS_LAUNCH_CLONE3_H_

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>

#include <cstdint>

#include "libs/os/raw_syscall.h"

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

// What clone(2) cannot be told, CLONE_CLEAR_SIGHAND: with all signals blocked from before the clone
// no handler of ours can run in the child, which makes them all the default and goes back to the
// mask of before. clone3 leaves to the child what is ignored; so does this.
class SignalsHeld {
 public:
  SignalsHeld() {
    const uint64_t all = ~uint64_t{0};
    RawSyscall(__NR_rt_sigprocmask, SIG_SETMASK, Raw(&all), Raw(&before_), sizeof(all));
  }
  ~SignalsHeld() { Restore(); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

  // In the child; its table of handlers is its own.
  void Clear() const {
    for (int signal = 1; signal <= 64; ++signal) {
      // As the kernel has it: handler, flags, restorer, mask.
      uint64_t action[4] = {};
      RawSyscall(__NR_rt_sigaction, signal, 0, Raw(&action), sizeof(action[3]));
      if (action[0] == 0 || action[0] == 1) continue;
      const uint64_t none[4] = {};
      RawSyscall(__NR_rt_sigaction, signal, Raw(&none), 0, sizeof(none[3]));
    }
    Restore();
  }

 private:
  void Restore() const {
    RawSyscall(__NR_rt_sigprocmask, SIG_SETMASK, Raw(&before_), 0, sizeof(before_));
  }
  uint64_t before_ = 0;
};

// The same as Clone3 by clone(2), but for CLONE_INTO_CGROUP, which the caller sees to. With
// CLONE_VFORK, or with a `run` that never looks at what it is given: `held` and `context` have to
// outlive the child's use of them.
template <typename Context>
inline long CloneByClone(const clone_args& arguments, void (*run)(const Context*),
                         const Context* context) {
  long result;
  const uint64_t flags =
      (arguments.flags & ~static_cast<uint64_t>(CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)) |
      arguments.exit_signal;
  register long none __asm__("r10") = 0;
  register long tls __asm__("r8") = 0;
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
      : "a"(__NR_clone), "D"(flags), "S"(arguments.stack + arguments.stack_size),
        "d"(arguments.pidfd), "r"(none), "r"(tls), [context] "b"(context), [run] "r"(run)
      : "rcx", "r11", "memory");
  return result;
}

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_CLONE3_H_
