// What a run of the benchmark would leave on the machine: looked for at its end, whatever happened.
#ifndef CLOISTER_TESTS_BENCH_LEFTOVERS_H_
#define CLOISTER_TESTS_BENCH_LEFTOVERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cloister::bench {

// Removes `<mount point>/<parent>` and all cgroups in it from every hierarchy that is mounted.
// Those with processes stay. OCI runtimes use all hierarchies, also those in which tasks have no
// part.
void RemoveCgroups(const std::string& parent);

// One line for each thing found: cgroups `<mount point>/<parent>` of these parents, mounts beneath
// `directory` that this mount namespace has, and processes other than this one whose command line
// names `directory`.
absl::StatusOr<std::vector<std::string>> FindLeftovers(const std::string& directory,
                                                       const std::vector<std::string>& parents);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_LEFTOVERS_H_
