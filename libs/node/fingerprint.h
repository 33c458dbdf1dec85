// The node's attributes, attr.*: what a task can ask about the node that it is on. Names are the
// exec driver's scheduler's where it has one; docs/operator-guide.md lists them.
#ifndef CLOISTER_LIBS_NODE_FINGERPRINT_H_
#define CLOISTER_LIBS_NODE_FINGERPRINT_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "libs/node/host_root.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"

namespace cloister::node {

using Attributes = std::map<std::string, std::string>;

// What no file tells.
struct KernelAnswers {
  // "x86_64" (uname(2)).
  std::string machine;
  // landlock_create_ruleset(2); 0: the kernel has none, or it is switched off.
  int landlock_abi = 0;
};
KernelAnswers AskKernel();

// What is read of files; an attribute that the node does not tell is left out. `facts` are those
// that were read already.
Attributes ReadFingerprint(const HostRoot& root, const NodeFacts& facts,
                           const KernelAnswers& kernel);

// attr.unique.storage.* of the file system that `directory` is on; as they are now.
absl::StatusOr<Attributes> ReadStorage(const std::string& directory);

// node.* and meta.*, which the operator gives.
Attributes NodeAttributes(const NodeLabels& labels, const std::string& node_id);

// Texts of files, for ReadFingerprint. Pure.
// The value of "NAME=value", quoted or not (os-release(5)); empty if there is none.
std::string OsReleaseValue(absl::string_view text, absl::string_view name);
// The value of the first "name : value" of /proc/cpuinfo; empty if there is none.
std::string CpuInfoValue(absl::string_view text, absl::string_view name);
// What is mounted (a device, "tmpfs") where `path` lies, by /proc/self/mountinfo.
std::string MountSource(absl::string_view mountinfo, absl::string_view path);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_FINGERPRINT_H_
