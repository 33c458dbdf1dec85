// fork_daemon: leaves a daemon behind (forked twice, session of its own, stdout held open), says
// "daemon PID" and exits 0.
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

[[noreturn]] void RunDaemon(int said) {
  // What a daemon that means to survive does.
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  dprintf(STDOUT_FILENO, "daemon %d\n", getpid());
  close(said);
  for (;;) pause();
}

}  // namespace

int main() {
  // Its end of file says that the daemon has spoken: it dies with this process, the first of its
  // task.
  int said[2];
  if (pipe(said) != 0) err(111, "pipe");
  const pid_t child = fork();
  if (child < 0) err(111, "fork");
  if (child == 0) {
    if (setsid() < 0) err(111, "setsid");
    const pid_t daemon = fork();
    if (daemon < 0) err(111, "fork");
    if (daemon == 0) RunDaemon(said[1]);
    _exit(0);
  }
  close(said[1]);
  char byte;
  if (read(said[0], &byte, 1) != 0) err(111, "read");
  int status = 0;
  if (waitpid(child, &status, 0) != child) err(111, "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 111;
}
