// die_by_signal N: dies of signal N, sent by itself.
#include <err.h>
#include <signal.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  if (argc != 2) errx(111, "usage: die_by_signal N");
  const int number = atoi(argv[1]);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  signal(number, SIG_DFL);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  raise(number);
  // Still here: this signal does not kill.
  return 112;
}
