// zombies N: leaves N orphans that end at once, waits until the task's init has reaped all of them,
// says "reaped N".
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// The child ends before the grandchild does, so that the latter is an orphan.
void MakeOrphan() {
  int pipe_fds[2];
  if (pipe(pipe_fds) != 0) err(111, "pipe");
  const pid_t child = fork();
  if (child < 0) err(111, "fork");
  if (child == 0) {
    close(pipe_fds[1]);
    if (fork() == 0) {
      char byte;
      // End of file: the payload has reaped the child.
      const ssize_t size = read(pipe_fds[0], &byte, 1);
      _exit(size == 0 ? 0 : 1);
    }
    _exit(0);
  }
  close(pipe_fds[0]);
  if (waitpid(child, nullptr, 0) != child) err(111, "waitpid");
  close(pipe_fds[1]);
}

// Processes of this pid namespace beside this one and its init.
int CountOthers() {
  DIR* proc = opendir("/proc");
  if (proc == nullptr) err(111, "/proc");
  int others = 0;
  while (const dirent* entry = readdir(proc)) {
    const int pid =
        isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0 ? atoi(entry->d_name) : 0;
    if (pid > 1 && pid != getpid()) ++others;
  }
  closedir(proc);
  return others;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? atoi(argv[1]) : 1;
  for (int i = 0; i < count; ++i) MakeOrphan();
  while (CountOthers() > 0) sched_yield();
  printf("reaped %d\n", count);
  return 0;
}
