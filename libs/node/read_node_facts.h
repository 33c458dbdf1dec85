// Reads the node into NodeFacts.
#ifndef CLOISTER_LIBS_NODE_READ_NODE_FACTS_H_
#define CLOISTER_LIBS_NODE_READ_NODE_FACTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"

namespace cloister::node {

// Everything that plans are made from; once, at the executor's start. Looks for the paths that
// `policy` names. Files are read under `root`, "/" on a node; the hard limits and the kernel's
// features are always those of this process and this kernel. Errors name the file. A missing
// feature is no error here: see CheckKernelFeatures.
absl::StatusOr<NodeFacts> ReadNodeFacts(const std::string& root, const NodePolicy& policy);

// Texts of /proc and /sys, for ReadNodeFacts. Pure; INVALID_ARGUMENT shows the text.
// MemTotal of /proc/meminfo, in bytes.
absl::StatusOr<uint64_t> ParseMemTotal(absl::string_view meminfo);
// How many processors a list such as "0-3,8" has.
absl::StatusOr<int> CountCpus(absl::string_view list);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_READ_NODE_FACTS_H_
