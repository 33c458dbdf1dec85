// ignore_term: ignores SIGTERM, says "ready" and stays until it is killed.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main() {
  signal(SIGTERM, SIG_IGN);
  dprintf(STDOUT_FILENO, "ready\n");
  for (;;) pause();
}
