#include "tools/cloister/interrupts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "libs/base/errno_status.h"

namespace cloister {

absl::StatusOr<Interrupts> Interrupts::Block() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return ErrnoStatus(errno, "pthread_sigmask");
  signal(SIGPIPE, SIG_IGN);
  OwnedFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return ErrnoStatus(errno, "signalfd");
  return Interrupts(std::move(fd));
}

int Interrupts::Await(int wake_fd) const {
  for (;;) {
    signalfd_siginfo info;
    if (read(fd_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
      return static_cast<int>(info.ssi_signo);
    }
    pollfd fds[] = {{fd_.get(), POLLIN, 0}, {wake_fd, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[0].revents == 0 && fds[1].revents != 0) return 0;
  }
}

}  // namespace cloister
