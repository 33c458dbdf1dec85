// What a cell and a broker do first, before they read a byte of anybody's: a flat list of steps,
// each of which takes something away. A step returns 0 or an errno, and none is passed over.
//
// After it a cell has: one id in a user namespace of its own, no capability, an empty read-only
// root with its output directory in it, a network namespace in which nothing is up, and three
// descriptors. One that runs programs has the node's /usr and libraries beside it, read-only. A
// broker has the node's network instead, and the files by which names are resolved.
#ifndef CLOISTER_SERVICES_FETCHER_CONFINE_H_
#define CLOISTER_SERVICES_FETCHER_CONFINE_H_

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "cloister/internal/fetch.pb.h"

namespace cloister::fetcher {

// Where a confined process finds what it has; all else is closed.
constexpr int kExecutorFd = 3;
constexpr int kPeerFd = 4;
// The cell's alone.
constexpr int kOutputFd = 5;
constexpr char kOutputPath[] = "/out";

// Its id inside. Not 0, to which a program gives capabilities that it runs.
constexpr uint32_t kInsideId = 1000;

// Landlock's version in the running kernel, 0 if it has none.
int LandlockAbi();

// Descriptors are borrowed, and are above kFirstForeignFd.
struct Confinement {
  enum class Role { kCell, kProgramCell, kBroker };
  Role role = Role::kCell;
  // v1 `tasks` files. A v2 cgroup it is born in.
  std::vector<int> joins;
  // Its end of its socket to the executor, and of the one between cell and broker.
  int executor = -1;
  int peer = -1;
  // The output directory as a detached mount, or, with classic_mounts, as it is; -1 for a broker.
  int output = -1;
  // One byte from it says that the id maps are written.
  int barrier = -1;
  // Of the zygote: who outlives it must not run on.
  int zygote = -1;
  internal::FetchLimits limits;
  int landlock_abi = 0;
  // Without the newer mount calls (libs/os/mount_calls.h).
  bool classic_mounts = false;
  // From call_filter.h.
  const std::vector<sock_filter>* filter = nullptr;
};

constexpr int kFirstForeignFd = 16;

// The step that failed, and where the executor's socket is then.
struct ConfineOutcome {
  internal::ConfineStep step = internal::CONFINE_STEP_UNSPECIFIED;
  // 0: confined.
  int error_number = 0;
  int executor = kExecutorFd;
};

// In a fresh child, in the namespaces that it was cloned into.
ConfineOutcome Confine(const Confinement& confinement);

}  // namespace cloister::fetcher

#endif  // CLOISTER_SERVICES_FETCHER_CONFINE_H_
