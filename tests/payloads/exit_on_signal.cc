// exit_on_signal SIGNAL CODE: says "ready", waits for that signal, says "got SIGNAL" and exits with
// CODE.
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 3) errx(111, "usage: exit_on_signal SIGNAL CODE");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, atoi(argv[1]));
  // Blocked before "ready": a signal sent on that word waits for sigwait.
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) err(111, "sigprocmask");
  dprintf(STDOUT_FILENO, "ready\n");
  int signal = 0;
  if (sigwait(&set, &signal) != 0) err(111, "sigwait");
  dprintf(STDOUT_FILENO, "got %d\n", signal);
  return atoi(argv[2]);
}
