// Keeps SIGPIPE from the calling thread. OpenSSL writes to sockets by write(2), and a peer that has
// gone would end the process. Other threads and the process's disposition are left alone.
#ifndef CLOISTER_LIBS_ARTIFACT_SIGPIPE_BLOCKED_H_
#define CLOISTER_LIBS_ARTIFACT_SIGPIPE_BLOCKED_H_

#include <signal.h>
#include <time.h>

namespace cloister::artifact {

class SigpipeBlocked {
 public:
  SigpipeBlocked() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~SigpipeBlocked() {
    // A SIGPIPE of a write is sent to the writing thread: what is pending now is ours to take.
    const timespec now = {0, 0};
    if (!was_pending_) {
      while (sigtimedwait(&pipe_, nullptr, &now) > 0) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_SIGPIPE_BLOCKED_H_
