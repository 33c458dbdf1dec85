// A task's fence in the words of the OCI runtime specification: what crun and runc are given, made
// from the same plan as the task.
#ifndef CLOISTER_TESTS_BENCH_OCI_CONFIG_H_
#define CLOISTER_TESTS_BENCH_OCI_CONFIG_H_

#include <string>

#include "cloister/internal/plan.pb.h"
#include "tests/bench/peer_seccomp.h"

namespace cloister::bench {

// Where one container has what the plan leaves open. All paths absolute.
struct OciPlaces {
  // Holds the plan's directories and links, and mount points for its binds.
  std::string root;
  // Holds `tmp` and `local`: what a launcher makes for each task.
  std::string task_directory;
  // Beneath each hierarchy's mount point, with leading '/'.
  std::string cgroup;
};

// config.json. What OCI cannot say is left out: the order "directories, links, binds" is the
// caller's, and there is no reaping init.
//   root.readonly, mounts            from plan.root, plan.mounts; /dev is made by the runtime
//   maskedPaths, readonlyPaths       plan.masks and plan.root.masked_sys_directories
//   resources                        plan.cgroup.granted
std::string MakeOciConfig(const internal::LaunchPlan& plan, const OciPlaces& places,
                          const PeerSeccomp& seccomp);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_OCI_CONFIG_H_
