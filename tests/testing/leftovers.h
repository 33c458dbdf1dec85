// What a cluster or a task has left on the machine: processes, mounts, cgroups, sockets,
// directories. The check after every end-to-end test.
//
// Looks for what belongs to one cluster, by its directory and its cgroups, so that tests beside
// each other do not see one another. Each finding is a sentence; none is what a test expects.
#ifndef CLOISTER_TESTS_TESTING_LEFTOVERS_H_
#define CLOISTER_TESTS_TESTING_LEFTOVERS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/cloister/dev_layout.h"

namespace cloister {

// Of a cluster that was stopped: nothing may be there but its directory with log/, and what the
// test put there itself.
//   processes    running ones of ours, or with our cgroup, or that still see our directories
//   mounted zombies      ended children of this process that nobody reaped mounts       of this
//   mount namespace, at or beneath our directories, or of something in them cgroups      the
//   cluster's, in any hierarchy sockets      listed by the kernel (/proc/net/unix), at or beneath
//   our directories directories  state and run directories, record and lock
absl::StatusOr<std::vector<std::string>> FindLeftovers(const DevLayout& layout);

// Of tasks, while the cluster runs on with none: no task directory, no process in a task's cgroup,
// no process but the services that sees a task's directories. `nodes` are looked at. Right after a
// destroy has answered, not some time later.
absl::StatusOr<std::vector<std::string>> FindTaskLeftovers(const DevLayout& layout, int nodes);

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_LEFTOVERS_H_
