// fork_bomb: forks until the kernel refuses, says "N ERRNO-NAME" (how many it got and why no more)
// and exits 0 at once, so that the children are left to whoever ends the task.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main() {
  // Beyond this no limit is at work, and the machine should survive the test that finds it out.
  constexpr int kMost = 20000;
  int children = 0;
  while (children < kMost) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;) pause();
    }
    if (child < 0) break;
    ++children;
  }
  printf("%d %s\n", children, children == kMost ? "UNLIMITED" : strerrorname_np(errno));
  return 0;
}
