// The node policy as a file of HCL: what the operator permits, in the exec driver's words where it
// has one. docs/operator-guide.md lists every key.
//
//   allow_caps = ["net_bind_service"]
//   host_volume "data" {
//     path = "/srv/data"
//   }
#ifndef CLOISTER_LIBS_NODE_POLICY_FILE_H_
#define CLOISTER_LIBS_NODE_POLICY_FILE_H_

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"

namespace cloister::node {

struct PolicyFile {
  NodePolicy policy;
  // The top-level keys that it sets: "allow_caps", "host_volume".
  std::set<std::string> keys;
};

// `base` with what the text says. INVALID_ARGUMENT with every problem at once, each with line,
// column and the line of the file; a key that is not known is a problem. `name` is the file's, for
// people. Looks at no path.
absl::StatusOr<PolicyFile> ParsePolicyFile(const std::string& name, const std::string& text,
                                           const NodePolicy& base);

// The same of a file of at most 1 MiB, after DefaultNodePolicy().
absl::StatusOr<PolicyFile> ReadPolicyFile(const std::string& path);

// Whether this node has what the policy names: the directories of host volumes, and capabilities
// that its kernel knows. FAILED_PRECONDITION with all that it lacks. An entry of chroot_env that is
// missing is left out of tasks' roots, as in the exec driver. `facts` were read with this policy.
absl::Status CheckPolicyOnNode(const NodePolicy& policy, const NodeFacts& facts);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_POLICY_FILE_H_
