// Executor: one node's service, put together: state directory, facts, cgroups, engine, server,
// sessions to frontends.
#ifndef CLOISTER_SERVICES_EXECUTOR_EXECUTOR_H_
#define CLOISTER_SERVICES_EXECUTOR_EXECUTOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/engine/engine.h"
#include "libs/engine/node_planner.h"
#include "libs/node/recent_users.h"
#include "libs/node/user_lookup.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/server.h"
#include "libs/state/run_directory.h"
#include "libs/state/state_lock.h"
#include "services/executor/executor_config.h"
#include "services/executor/node_fetcher.h"
#include "services/executor/node_service.h"
#include "services/executor/node_session.h"
#include "services/executor/session_feed.h"
#include "services/executor/task_service.h"

namespace cloister::executor {

// Where lines for the operator go.
struct ExecutorLog {
  std::function<void(absl::string_view)> info;
  std::function<void(const absl::Status&)> trouble;
};

class Executor {
 public:
  // Whether this node has what the configuration names. Reads only; needs no root.
  static absl::Status Validate(const ExecutorConfig& config);

  // Takes over what an earlier executor left, and serves when it returns. An error names what is
  // missing or wrong and leaves nothing but directories; tasks of an earlier executor go on.
  static absl::StatusOr<std::unique_ptr<Executor>> Start(ExecutorConfig config, ExecutorLog log);
  // As Drain without patience.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Health says NOT_SERVING, open calls get `patience` to end, frontends are left. Tasks run on,
  // and their launchers; those without a live task leave. A second time does nothing.
  void Drain(absl::Duration patience);

  // Where it listens.
  const std::vector<rpc::Address>& addresses() const { return server_->addresses(); }

 private:
  Executor(ExecutorConfig config, ExecutorLog log);

  // The steps of Start, in order.
  absl::Status TakeStateDirectory();
  absl::Status ReadNode();
  // And tries it: what no task could have on this node is an error now.
  absl::Status MakePlanner(node::NodeFacts facts);
  // Without root: what the node has then.
  absl::Status CheckMounts(const node::NodeFacts& facts) const;
  absl::Status AdaptToUser(node::NodeFacts* facts);
  // Where tasks of an executor without root are limited, or why they are not.
  void FindCgroups(node::NodeFacts* facts);
  absl::Status StartFetcher();
  absl::Status MakeEngine();
  absl::Status Serve();
  absl::Status Join();

  using SlotSweep = std::function<absl::Status(const std::string& slot_prefix)>;
  // Null where there are no cgroups.
  absl::StatusOr<SlotSweep> SlotSweeper() const;
  NodeArtifactParts ArtifactParts() const;
  v1::Node DescribeNode() const;

  ExecutorConfig config_;
  const ExecutorLog log_;
  const RealClock clock_;
  node::RecentUsers users_{&node::LookUpUser, &clock_};
  rpc::DrainSignal drain_;
  OwnedFd state_directory_;
  std::unique_ptr<state::StateLock> lock_;
  std::unique_ptr<state::RunDirectory> run_directory_;
  std::unique_ptr<engine::NodePlanner> planner_;
  // What most tasks look like: /bin/true as nobody. Empty on a node without that user.
  internal::LaunchPlan common_plan_;
  // Where tasks' slots are; empty with --cgroups=none.
  internal::CgroupPlan cgroups_;
  std::unique_ptr<rpc::Authorizer> authorizer_;
  // Null where nothing is fetched.
  std::unique_ptr<NodeFetcher> fetcher_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<TaskService> task_service_;
  std::unique_ptr<NodeService> node_service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<SessionFeed> feed_;
  std::unique_ptr<NodeSession> session_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_EXECUTOR_H_
