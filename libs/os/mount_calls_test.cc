#include "libs/os/mount_calls.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <thread>

#include "gtest/gtest.h"

namespace cloister {
namespace {

// As a thread has it that runs without the call; a filter goes with its thread.
bool HasThemWithout(unsigned call) {
  bool has = false;
  std::thread([&] {
    sock_filter filter[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog program = {4, filter};
    EXPECT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    EXPECT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    has = HasMountCalls();
  }).join();
  return has;
}

TEST(HasMountCalls, WhereAllAreThereAndNotWithoutOne) {
  EXPECT_TRUE(HasMountCalls());
  EXPECT_TRUE(HasThemWithout(SYS_clone3));
  for (unsigned call : {SYS_open_tree, SYS_move_mount, SYS_mount_setattr}) {
    EXPECT_FALSE(HasThemWithout(call)) << call;
  }
}

}  // namespace
}  // namespace cloister
