// clone3(2), or clone(2), of the zygote into namespaces of the child's own, with its ids mapped:
// fork(2) in all that concerns memory, so that what was preloaded is there, and as safe, the zygote
// having one thread.
#ifndef CLOISTER_SERVICES_FETCHER_SPAWN_CONFINED_H_
#define CLOISTER_SERVICES_FETCHER_SPAWN_CONFINED_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "libs/os/pidfd.h"
#include "services/fetcher/confine.h"

namespace cloister::fetcher {

struct ConfinedIds {
  // Of the zygote's user namespace.
  uint32_t uid = 0;
  uint32_t gid = 0;
};

// `confinement.barrier` is made here. `run` is called in the child once it is confined, and its
// result is its exit code; `failed` when it could not be, in the child too. The child dies with the
// calling thread, and is the caller's to reap. `cgroup`: the v2 directory that it is born in, or
// -1.
absl::StatusOr<PidFd> SpawnConfined(Confinement confinement, ConfinedIds ids, int cgroup,
                                    absl::FunctionRef<int()> run,
                                    absl::FunctionRef<void(const ConfineOutcome&)> failed);

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_SPAWN_CONFINED_H_
