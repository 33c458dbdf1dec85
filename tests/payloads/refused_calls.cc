// refused_calls: makes system calls that no ordinary task may make, with arguments that change
// nothing, by all three ways into the kernel of an x86-64: as a 64-bit program, with the numbers of
// x32, and as a 32-bit program (int 0x80). A line for each: "x86_64 keyctl 1", the last being the
// errno, 0 for a call that went through, or "killed".
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Call {
  const char* name;
  int x86_64;
  int i386;
  long arguments[3];
};

constexpr long kNewUser = 0x10000000;
constexpr long kNewNs = 0x20000;
constexpr long kTiocsti = 0x5412;
constexpr long kTioclinux = 0x541c;

constexpr Call kCalls[] = {
    {"add_key", 248, 286, {0, 0, 0}},
    {"request_key", 249, 287, {0, 0, 0}},
    {"keyctl", 250, 288, {0, -3, 0}},
    {"bpf", 321, 357, {-1, 0, 0}},
    {"perf_event_open", 298, 336, {0, 0, 0}},
    {"io_uring_setup", 425, 425, {1, 0, 0}},
    {"io_uring_enter", 426, 426, {-1, 0, 0}},
    {"io_uring_register", 427, 427, {-1, 0, 0}},
    {"userfaultfd", 323, 374, {1, 0, 0}},
    {"mount", 165, 21, {0, 0, 0}},
    {"umount2", 166, 52, {0, 0, 0}},
    {"pivot_root", 155, 217, {0, 0, 0}},
    {"open_tree", 428, 428, {-1, 0, 0}},
    {"move_mount", 429, 429, {-1, 0, 0}},
    {"fsopen", 430, 430, {0, 0, 0}},
    {"mount_setattr", 442, 442, {-1, 0, 0}},
    {"setns", 308, 346, {-1, 0, 0}},
    {"unshare_user", 272, 310, {kNewUser, 0, 0}},
    {"unshare_mount", 272, 310, {kNewNs, 0, 0}},
    {"clone_user", 56, 120, {kNewUser | 17, 0, 0}},
    {"clone3", 435, 435, {0, 0, 0}},
    {"init_module", 175, 128, {0, 0, 0}},
    {"finit_module", 313, 350, {-1, 0, 0}},
    {"delete_module", 176, 129, {0, 0, 0}},
    {"kexec_load", 246, 283, {0, 0, 0}},
    {"swapon", 167, 87, {0, 0, 0}},
    {"quotactl", 179, 131, {0, 0, 0}},
    {"reboot", 169, 88, {0, 0, 0}},
    {"open_by_handle_at", 304, 342, {-1, 0, 0}},
    {"pidfd_getfd", 438, 438, {-1, 0, 0}},
    {"kcmp", 312, 349, {0, 0, 0}},
    {"process_madvise", 440, 440, {-1, 0, 0}},
    {"personality", 135, 136, {0x40000, 0, 0}},
    {"vsock", 41, 359, {40, 1, 0}},
    {"file_setattr", 469, 469, {-1, 0, 0}},
    {"tiocsti", 16, 54, {0, kTiocsti, 0}},
    {"tioclinux", 16, 54, {0, kTioclinux, 0}},
    {"project_id", 16, 54, {0, 0x401c5820, 0}},
    // The kernel reads 32 bits of it. A 32-bit program has no more.
    {"tiocsti_high", 16, 54, {0, 0xdead00000000 | kTiocsti, 0}},
    {"tioclinux_high", 16, 54, {0, 0xdead00000000 | kTioclinux, 0}},
    {"personality_high", 135, 136, {0xdead00000000 | 0x40000, 0, 0}},
    {"newer_than_the_table", 900, 900, {0, 0, 0}},
};

long Call64(long number, const long* arguments) {
  long result;
  register long r10 __asm__("r10") = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

long Call32(long number, const long* arguments) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(arguments[0]), "c"(arguments[1]), "d"(arguments[2]), "S"(0L),
                     "D"(0L)
                   : "r8", "r9", "r10", "r11", "memory");
  return static_cast<int>(result);
}

// In a process of its own: what it does, also to itself, goes with it.
void Try(const char* abi, const Call& call, long number, long (*enter)(long, const long*)) {
  fflush(stdout);
  int line[2];
  if (pipe(line) != 0) exit(1);
  const pid_t child = fork();
  if (child == 0) {
    const pid_t self = getpid();
    const long result = enter(number, call.arguments);
    // A clone that went through.
    if (getpid() != self) _exit(0);
    const int error = result < 0 && result > -4096 ? static_cast<int>(-result) : 0;
    _exit(write(line[1], &error, sizeof(error)) == sizeof(error) ? 0 : 1);
  }
  close(line[1]);
  int error = 0;
  const bool told = read(line[0], &error, sizeof(error)) == sizeof(error);
  close(line[0]);
  waitpid(child, nullptr, 0);
  if (told) {
    printf("%s %s %d\n", abi, call.name, error);
  } else {
    printf("%s %s killed\n", abi, call.name);
  }
}

}  // namespace

int main() {
  for (const Call& call : kCalls) {
    Try("x86_64", call, call.x86_64, Call64);
    Try("x32", call, call.x86_64 | 0x40000000, Call64);
    Try("i386", call, call.i386, Call32);
  }
  return 0;
}
