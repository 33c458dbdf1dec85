// A task's fence in the words of bwrap(1), made from the same plan as the task.
#ifndef CLOISTER_TESTS_BENCH_BWRAP_COMMAND_H_
#define CLOISTER_TESTS_BENCH_BWRAP_COMMAND_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cloister/internal/plan.pb.h"

namespace cloister::bench {

// Where bwrap finds a seccomp program, if it is told to look for one.
constexpr int kSeccompFd = 3;

// The command line after "bwrap"; `task_directory` holds `tmp` and `local`.
//
// Where bwrap differs, in its favour: it sets no resource limits of either kind (no cgroup, no
// rlimits) and no umask. And where it cannot do otherwise: another user is possible only in a user
// namespace, /sys is the node's own, bound, and its tmpfs is never noexec.
std::vector<std::string> MakeBwrapArguments(const internal::LaunchPlan& plan,
                                            absl::string_view task_directory, bool seccomp);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_BWRAP_COMMAND_H_
