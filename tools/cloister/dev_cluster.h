// A private cluster in one directory: a frontend and executors as processes of their own, found
// again by whoever comes later.
//
// What `cloister dev` is made of, and LocalCluster of the tests (tests/testing/local_cluster.h).
// dev_stop.h ends one.
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_CLUSTER_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_CLUSTER_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/base/owned_fd.h"
#include "libs/os/pidfd.h"
#include "tools/cloister/client.h"
#include "tools/cloister/dev_binaries.h"
#include "tools/cloister/dev_layout.h"

namespace cloister {

struct DevOptions {
  DevLayout layout;
  DevBinaries binaries;
  // 1 to kMaxDevNodes. A running cluster can be given more, not less.
  int nodes = 1;
  // "auto" or "none".
  std::string cgroups = "auto";
  // After our own.
  std::vector<std::string> frontend_flags;
  std::vector<std::string> executor_flags;
  // "NAME=value" for the services; nothing else of ours reaches them.
  std::vector<std::string> environment;
  // One line for each thing that is done. May be null.
  std::function<void(absl::string_view)> progress;
  // Borrowed; when it is readable, waiting for readiness ends with CANCELLED. -1: none.
  int interrupt_fd = -1;
};

// Whoever has this file locked (flock(2)) is the only one who starts or stops the cluster. Waits
// for it. The file is made if it is not there.
absl::StatusOr<OwnedFd> LockDevCluster(const DevLayout& layout);

class DevCluster {
 public:
  explicit DevCluster(DevOptions options);
  DevCluster(DevCluster&&) = default;
  DevCluster& operator=(DevCluster&&) = default;

  // Makes the directories, starts every service that does not run, and waits until all nodes are
  // ready. On error, what was started is still there, for StopDevCluster; the error ends with the
  // last words of a service that would not start.
  absl::Status Start(absl::Duration patience);

  // How many services Start found running. All of them: the cluster ran already.
  int found_running() const { return found_running_; }

  // The services, "frontend" and "node-1" onwards, that ran when Start returned.
  const std::map<std::string, PidFd>& services() const { return services_; }

  struct EndedService {
    std::string name;
    // "killed by SIGKILL (9)".
    std::string how;
  };
  // Waits until one of the services has ended; nullopt when `wake_fd` (borrowed) is readable first.
  // It is no longer among services() then.
  absl::optional<EndedService> AwaitEndOfAny(int wake_fd);

  // SIGKILL, as a crash would end it. Returns when it has ended and is reaped.
  absl::Status KillService(const std::string& name);

  // Starts one service that does not run, again. Returns when the process is there, not when it is
  // ready.
  absl::Status StartService(const std::string& name);

  // Waits until the frontend answers and has every node READY.
  absl::Status AwaitReady(absl::Duration patience);

  const DevLayout& layout() const { return options_.layout; }

 private:
  absl::Status MakeDirectories() const;
  absl::StatusOr<bool> Adopt(const std::string& name);
  std::vector<std::string> CommandOf(const std::string& name) const;
  std::string LogOf(const std::string& name) const;
  // OK if the frontend has every node READY.
  absl::Status CheckReady(Client* client) const;
  // An error if a service has ended: waiting for it would be in vain.
  absl::Status CheckAllRun();
  void Say(absl::string_view line) const;

  DevOptions options_;
  std::map<std::string, PidFd> services_;
  // When StartService started them: a node that registered before is the one that has ended since.
  std::map<std::string, absl::Time> start_times_;
  int found_running_ = 0;
};

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_CLUSTER_H_
