// The system calls of the peers in the comparison: those that a task has, as each of them reads it.
#ifndef CLOISTER_TESTS_BENCH_PEER_SECCOMP_H_
#define CLOISTER_TESTS_BENCH_PEER_SECCOMP_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/seccomp/profile.h"

namespace cloister::bench {

// Empty: no filter.
struct PeerSeccomp {
  // `linux.seccomp` of an OCI config.json, for crun and runc, which compile it themselves. It does
  // a little less than ours: of several words that an argument must not be it has the first (the
  // runtimes do not agree on what two conditions on one argument mean), and calls newer than the
  // profile get EPERM.
  std::string oci_json;
  // A cBPF program as bwrap --seccomp reads it: ours.
  std::string bpf;
};

// INVALID_ARGUMENT for a profile that cannot be compiled.
absl::StatusOr<PeerSeccomp> MakePeerSeccomp(const seccomp::Profile& profile);

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_PEER_SECCOMP_H_
