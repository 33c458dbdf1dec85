// The peers, set up to do what a launch of the given plan does.
#ifndef CLOISTER_TESTS_BENCH_PEERS_H_
#define CLOISTER_TESTS_BENCH_PEERS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "tests/bench/contender.h"

namespace cloister::bench {

// Where peers keep what they need; nothing of it is shared with another run of the benchmark.
struct PeerPlaces {
  // Absolute; exists.
  std::string directory;
  // Names containers, and the parent of their cgroups, "/<id>".
  std::string id;
};

// posix_spawn(3) of `program`, without any isolation.
absl::StatusOr<std::unique_ptr<Contender>> MakeBareSpawn(const std::string& name,
                                                         const std::string& program,
                                                         const PeerPlaces& places);

// `bwrap ... -- COMMAND`.
absl::StatusOr<std::unique_ptr<Contender>> MakeBwrap(const internal::LaunchPlan& plan,
                                                     const PeerPlaces& places);

// `crun run` or `runc run`, in the foreground: creates, starts, waits and deletes. Each worker has
// a bundle of its own; all share one root directory, which is read-only to them.
absl::StatusOr<std::unique_ptr<Contender>> MakeOciRuntime(const std::string& name,
                                                          const internal::LaunchPlan& plan,
                                                          const PeerPlaces& places);

// Deletes, by force, the containers that a crashed or interrupted runtime left. OK if there are
// none.
absl::Status DeleteLeftContainers(const std::string& name, const PeerPlaces& places);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_PEERS_H_
