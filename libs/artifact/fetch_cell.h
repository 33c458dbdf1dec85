// One fetch while it runs: its two sockets, its cgroup, its directory, what has been heard of it.
#ifndef CLOISTER_LIBS_ARTIFACT_FETCH_CELL_H_
#define CLOISTER_LIBS_ARTIFACT_FETCH_CELL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/internal/fetch.pb.h"
#include "libs/artifact/fetch_message.h"
#include "libs/artifact/fetch_outcome.h"
#include "libs/artifact/fetcher_client.h"
#include "libs/artifact/fetcher_process.h"
#include "libs/base/owned_fd.h"
#include "libs/cgroup/slot.h"

namespace cloister::artifact {

// Used by the client's thread alone.
class FetchCell {
 public:
  struct Ids {
    uint32_t cell_uid = 0;
    uint32_t cell_gid = 0;
    uint32_t broker_uid = 0;
    uint32_t broker_gid = 0;
  };

  FetchCell(uint64_t id, FetchJob job, std::shared_ptr<FetchListener> listener, Ids ids,
            cgroup::CgroupSlot slot)
      : id_(id),
        job_(std::move(job)),
        listener_(std::move(listener)),
        ids_(ids),
        slot_(std::move(slot)) {}

  // Gives it its directory and asks the fetcher for it. `ca`: see SendRequest.
  absl::Status Start(const FetcherProcess& fetcher, const FetcherOptions& options, int ca);

  // Start failed because the fetcher does not read now, or is gone: the fetch itself is as it was.
  bool unsent() const { return unsent_; }

  // Reads what the cell and the broker say, without waiting.
  void ReadCell();
  void ReadBroker();
  void OnEnded(const internal::FetchEnded& ended);
  // The zygote is gone. The cell goes with it, in a moment.
  void OnFetcherDied() { end_.fetcher_died = true; }
  void SetCancelled() { end_.cancelled = true; }
  // It has made more than it may.
  void SetOver(const absl::Status& status) { end_.over = status; }

  // No process of it is left.
  bool HasEnded() const;
  // Takes its directory back, has its cgroup empty, tells the listener.
  void Finish();
  void Fail(const absl::Status& status);

  uint64_t id() const { return id_; }
  // -1 once closed.
  int cell_socket() const { return cell_.get(); }
  int broker_socket() const { return broker_.get(); }
  // The zygote should have killed it by then.
  absl::Time overdue() const { return overdue_; }
  // For who looks at what it makes; not valid where there are no descriptors left.
  OwnedFd DuplicateOutput() const;
  // The cgroup.procs of its cgroup; empty: it has none.
  std::string ProcessesFile() const;
  const std::shared_ptr<FetchListener>& listener() const { return listener_; }
  FetchJob TakeJob() { return std::move(job_); }
  cgroup::CgroupSlot TakeSlot() { return std::move(slot_); }

 private:
  absl::StatusOr<OwnedFd> PrepareOutput() const;
  void ReturnOutput() const;
  void Deliver(const internal::CellEvent& event);

  const uint64_t id_;
  FetchJob job_;
  const std::shared_ptr<FetchListener> listener_;
  const Ids ids_;
  cgroup::CgroupSlot slot_;
  OwnedFd cell_;
  OwnedFd broker_;
  FetchEnd end_;
  bool unsent_ = false;
  bool ended_ = false;
  absl::Time overdue_ = absl::InfiniteFuture();
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FETCH_CELL_H_
