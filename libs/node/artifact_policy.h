// ArtifactPolicy: from where this node fetches artifacts, how much, with what secrets, and what it
// keeps. Pure data, part of NodePolicy.
#ifndef CLOISTER_LIBS_NODE_ARTIFACT_POLICY_H_
#define CLOISTER_LIBS_NODE_ARTIFACT_POLICY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/artifact/egress_policy.h"
#include "libs/artifact/unpack_limits.h"

namespace cloister::node {

// A secret of the node that an artifact may name (`credentials`): where it is, and to whom it is
// shown. The secret itself is read for each fetch and goes nowhere but to the fetcher.
struct ArtifactCredential {
  enum class Kind { kBasic, kBearer, kHeader, kAws, kSshKey };
  std::string name;
  Kind kind = Kind::kBearer;
  // Hosts that it is sent to, as EgressPolicy::allowed_hosts. Never empty: a task that could name
  // its own host would have it sent there.
  std::vector<std::string> hosts;
  // Principals that may name it. Empty: all.
  std::vector<std::string> tenants;
  // Whether it may travel unencrypted, to sources of http: whoever is on the way reads it.
  bool allow_http = false;
  // kBasic: the user. kHeader: the header's name. kSshKey: the user, empty: that of the URL.
  std::string user;
  // One of the two: a file that holds the secret, or a program that prints it.
  std::string file;
  std::vector<std::string> exec;
  // kSshKey: a file of the hosts' keys.
  std::string known_hosts;
};

struct ArtifactPolicy {
  bool enabled = true;
  artifact::EgressPolicy egress;
  // Directories that "file" sources lie in. Empty: none is fetched.
  std::vector<std::string> file_sources;
  // Repositories of Mercurial, by the node's `hg` program.
  bool allow_hg = false;

  // The most of one artifact, and what it gets without asking.
  uint64_t max_download_bytes = uint64_t{100} << 30;
  artifact::UnpackLimits unpack;
  // Without a byte; and of the whole fetch.
  absl::Duration read_timeout = absl::Minutes(5);
  absl::Duration timeout = absl::Minutes(30);
  // Of what a retry can help.
  int attempts = 3;

  // Fetches at once: of one task, and of the node.
  int parallel_of_task = 3;
  int parallel = 16;
  // Of one fetch.
  uint64_t memory_bytes = uint64_t{512} << 20;
  int64_t pids = 32;

  // What is kept of what no task uses: bytes, and since its last use.
  uint64_t cache_bytes = uint64_t{20} << 30;
  absl::Duration cache_age = absl::Hours(30 * 24);

  // PEM file of the authorities that servers are believed by.
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
  // "http://host:port". Empty: none. That of the environment is never taken.
  std::string proxy;

  // No two have one name.
  std::vector<ArtifactCredential> credentials;
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_ARTIFACT_POLICY_H_
