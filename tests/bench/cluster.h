// The cluster that is measured: a frontend and one executor with its launchers, as `cloister dev`
// starts them.
#ifndef CLOISTER_TESTS_BENCH_CLUSTER_H_
#define CLOISTER_TESTS_BENCH_CLUSTER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "tests/bench/contender.h"
#include "tools/cloister/dev_cluster.h"
#include "tools/cloister/dev_layout.h"

namespace cloister::bench {

class Cluster {
 public:
  // Everything of it is beneath layout.directory. Returns when it is ready. `interrupt_fd`
  // (borrowed) ends the wait.
  static absl::StatusOr<std::unique_ptr<Cluster>> Start(const DevLayout& layout, int interrupt_fd);
  // Stops it if Stop was not called.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // One channel each, over unix sockets, open from now on. What they return must be gone before
  // this is.
  std::unique_ptr<Contender> ThroughExecutor() const;
  std::unique_ptr<Contender> ThroughFrontend() const;

  // FAILED_PRECONDITION, with both plans, unless the executor would do for the payload what `plan`
  // says, which is what the peers do.
  absl::Status CheckPlan(const internal::LaunchPlan& plan) const;

  // Ends it with all its processes. FAILED_PRECONDITION if there are tasks that nobody destroyed;
  // it is stopped anyway.
  absl::Status Stop();

 private:
  explicit Cluster(DevCluster cluster) : cluster_(std::move(cluster)) {}

  const DevLayout& layout() const { return cluster_.layout(); }
  absl::Status CheckNoTasks() const;

  DevCluster cluster_;
  bool ready_ = false;
  bool stopped_ = false;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_CLUSTER_H_
