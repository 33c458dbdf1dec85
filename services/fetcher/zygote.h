// The zygote: a process of one thread with everything preloaded and nothing to hide, that forks a
// cell and a broker for each fetch, ends them at their time, and says when they are gone. It
// forwards descriptors; requests and credentials never pass through it.
#ifndef CLOISTER_SERVICES_FETCHER_ZYGOTE_H_
#define CLOISTER_SERVICES_FETCHER_ZYGOTE_H_

#include <linux/filter.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cloister/internal/fetch.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/os/pidfd.h"
#include "libs/os/seqpacket.h"
#include "services/fetcher/confine.h"

namespace cloister::fetcher {

// What confined processes do, with the descriptors of confine.h; the result is the exit code.
struct Work {
  int (*cell)() = nullptr;
  int (*broker)() = nullptr;
};

class Zygote {
 public:
  Zygote(OwnedFd control, Work work);

  // Serves until the executor's end is closed.
  absl::Status Run();

 private:
  struct Fetch {
    PidFd cell;
    PidFd broker;
    int64_t kill_at_ms = 0;
    internal::FetchEnded ended;
    bool cell_reaped = false;
    bool broker_reaped = false;
  };

  absl::Status SayHello();
  // False at end of file.
  bool ReadRequest();
  void Start(const internal::StartFetch& start, std::vector<OwnedFd> fds);
  absl::Status Spawn(const internal::StartFetch& start, const std::vector<OwnedFd>& fds,
                     Fetch* fetch);
  void Cancel(uint64_t id);
  void KillOverdue();
  // Reaps what of it has ended; true once all of it has.
  bool Reap(Fetch* fetch) const;
  void Tell(internal::FetcherEvent event);
  void Flush();
  int MillisToNextKill() const;

  const OwnedFd control_;
  const Work work_;
  PidFd self_;
  const int landlock_abi_;
  const bool classic_mounts_;
  const std::vector<sock_filter> cell_filter_;
  const std::vector<sock_filter> program_cell_filter_;
  const std::vector<sock_filter> broker_filter_;
  std::map<uint64_t, Fetch> fetches_;
  std::deque<std::string> backlog_;
};

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_ZYGOTE_H_
