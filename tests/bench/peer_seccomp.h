// The one switch for seccomp in the comparison: what the peers get is what tasks have.
#ifndef CLOISTER_TESTS_BENCH_PEER_SECCOMP_H_
#define CLOISTER_TESTS_BENCH_PEER_SECCOMP_H_

#include <string>

namespace cloister::bench {

// Empty: no filter.
struct PeerSeccomp {
  // `linux.seccomp` of an OCI config.json, for crun and runc.
  std::string oci_json;
  // A cBPF program as bwrap --seccomp reads it.
  std::string bpf;
};

// Tasks have no filter yet, so nobody gets one. When they do, it is filled in here, for all at
// once.
inline PeerSeccomp SeccompOfTasks() { return PeerSeccomp(); }

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_PEER_SECCOMP_H_
