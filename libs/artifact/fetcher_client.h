// FetcherClient: fetches artifacts in cells of the fetcher's, several at once, and says how it
// went. What a source sends is parsed there, never here.
//
//   FetcherOptions options;
//   options.program = "/usr/lib/cloister/cloister-fetcher";
//   options.egress = ...;
//   CLOISTER_ASSIGN_OR_RETURN(auto client, FetcherClient::Start(options));
//   FetchJob job;
//   job.request.source = ...;
//   job.output = ...;                        // an empty directory of ours
//   client->Fetch(std::move(job), listener); // listener->OnDone(...) later
//
// What is then in `output` was written by a stranger: AdoptTree (adopt_tree.h) looks at it before
// anybody uses it.
#ifndef CLOISTER_LIBS_ARTIFACT_FETCHER_CLIENT_H_
#define CLOISTER_LIBS_ARTIFACT_FETCHER_CLIENT_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/internal/plan.pb.h"
#include "libs/artifact/egress_policy.h"
#include "libs/artifact/fetch.h"
#include "libs/artifact/output_size.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

struct FetcherOptions {
  // Path of cloister-fetcher.
  std::string program;
  // Its stderr; on loan until Start returns. -1: /dev/null.
  int log = -1;

  // Ids that nobody else has, of this process's user namespace: two for each fetch that runs, one
  // of its cell and one of its broker. 0 ids: both have this process's own; only where there is no
  // other, without root and with one id.
  uint32_t first_id = 2'000'000'000;
  uint32_t id_count = 64;

  // Where the cgroups of fetches are made and what they may use (cgroup/placement.h, PlaceTask).
  // Empty: none, with --cgroups=none.
  internal::CgroupPlan cgroup;
  // Slots are called "<prefix>-<number>"; those that an earlier process has left are removed.
  std::string cgroup_slot_prefix = "fetch";

  // Fetches that run at once; further ones wait in the order in which they came. At most half of
  // id_count.
  int at_once = 8;
  // Of a whole fetch, from the start of its cell.
  absl::Duration time_limit = absl::Hours(2);
  // Of a cell: its address space, its largest file, its descriptors. 0: no limit.
  uint64_t address_space_bytes = uint64_t{4} << 30;
  uint64_t file_bytes = uint64_t{200} << 30;
  uint32_t open_files = 256;
  // Of all that a cell makes, together, while it runs (output_size.h). Looked at twice a second: a
  // cell that is over is ended.
  OutputLimits output;

  // Mercurial's sources are fetched, in cells that may run the node's programs. Else refused.
  bool allow_hg = false;

  // Where brokers connect to, how long one connection may take, and how many a fetch may ask for.
  EgressPolicy egress;
  absl::Duration connect = absl::Seconds(30);
  uint32_t connections = 256;

  // What went wrong and belongs to no fetch; on the client's thread, must not block.
  std::function<void(const absl::Status&)> on_trouble;
};

struct FetchJob {
  // `output_path` and `file_fd` are not read.
  FetchRequest request;
  // Of a file source.
  OwnedFd file;
  // An empty directory on a filesystem of the node's, or (request.resume) one that holds what the
  // last try left. It belongs to the cell while that runs, and to this process afterwards; what is
  // in it stays the cell's.
  OwnedFd output;
  // Zero: the options'.
  absl::Duration time_limit;
};

// Hears of one fetch: on the client's thread, one call at a time. Must not block.
class FetchListener {
 public:
  virtual ~FetchListener() = default;
  // It no longer waits for others.
  virtual void OnStarted() {}
  virtual void OnPhase(FetchObserver::Phase /*phase*/) {}
  // `total` is -1 where the server does not say.
  virtual void OnProgress(int64_t /*bytes*/, int64_t /*total*/) {}
  virtual void OnValidators(const Validators& /*validators*/) {}
  // The last call. Nothing of it runs any more. Errors as OutcomeOf (fetch_outcome.h).
  virtual void OnDone(const absl::StatusOr<FetchReport>& report) = 0;
};

// Thread-safe.
class FetcherClient {
 public:
  // Starts the fetcher, which is started again whenever it dies; its fetches fail then,
  // IsRetryable. INVALID_ARGUMENT for options that cannot be; FAILED_PRECONDITION if it does not
  // come up.
  static absl::StatusOr<std::unique_ptr<FetcherClient>> Start(FetcherOptions options);

  // Ends all fetches; their listeners hear CANCELLED before this returns.
  virtual ~FetcherClient() = default;

  // Its id, for Cancel. Whatever goes wrong is told to the listener.
  virtual uint64_t Fetch(FetchJob job, std::shared_ptr<FetchListener> listener) = 0;

  // OnDone follows, with CANCELLED unless it had ended. Nothing if there is no such fetch any more.
  virtual void Cancel(uint64_t id) = 0;

  // What the node lacks of a cell's walls, each a sentence; for status.
  virtual std::vector<std::string> Gaps() const = 0;

  // Of the fetcher that runs now; 0: none. For tests and status.
  virtual pid_t fetcher_pid() const = 0;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FETCHER_CLIENT_H_
