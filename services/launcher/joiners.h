// The joiners of a launcher: those that touch files of its live tasks, and of ended ones of
// anybody. Each is started for one call, and ends with it, with its task, at its time, or when
// nobody hears it any more.
#ifndef CLOISTER_SERVICES_LAUNCHER_JOINERS_H_
#define CLOISTER_SERVICES_LAUNCHER_JOINERS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "cloister/internal/launcher.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/spawn_joiner.h"
#include "libs/os/pidfd.h"
#include "libs/supervise/supervisor.h"

namespace cloister {

// Used by the main thread alone; never waits.
class Joiners {
 public:
  static absl::StatusOr<std::unique_ptr<Joiners>> Make();

  // Starts one; `running` is its task, if it is live. What goes wrong is told on the socket.
  void Start(const internal::Join& join, std::vector<OwnedFd> fds,
             absl::optional<supervise::RunningTask> running);

  // Its task has ended.
  void KillOf(const std::string& task_id);

  // Readable when RunOnce has something to do; for the launcher's own epoll.
  int fd() const { return epoll_.get(); }
  // Reaps what has ended and kills what is due; does not wait.
  void RunOnce();
  // For epoll_wait: milliseconds to the next kill, or -1.
  int MillisToNextKill() const;

  size_t size() const { return joiners_.size(); }

 private:
  struct Joiner {
    std::string task_id;
    PidFd process;
    // Held to see the executor's end of it close.
    OwnedFd socket;
    int64_t kill_at_ms = 0;
  };

  Joiners(OwnedFd program, OwnedFd epoll)
      : program_(std::move(program)), epoll_(std::move(epoll)) {}

  absl::StatusOr<PidFd> Spawn(const internal::Join& join, const std::vector<OwnedFd>& fds,
                              absl::optional<supervise::RunningTask> running, int* step) const;
  absl::Status Watch(uint64_t serial, const Joiner& joiner) const;

  const OwnedFd program_;
  const OwnedFd epoll_;
  std::map<uint64_t, Joiner> joiners_;
  uint64_t next_serial_ = 1;
};

}  // namespace cloister

#endif  // CLOISTER_SERVICES_LAUNCHER_JOINERS_H_
