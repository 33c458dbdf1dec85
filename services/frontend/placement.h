// Which node takes a task that names none. Pure: the same task id and the same nodes give the same
// order, in every process and version, so that a repeated start goes to the node of the first one.
#ifndef CLOISTER_SERVICES_FRONTEND_PLACEMENT_H_
#define CLOISTER_SERVICES_FRONTEND_PLACEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cloister::frontend {

// What one task takes of a node, or a node has left.
struct Room {
  int64_t tasks = 0;
  int64_t memory_mib = 0;
};

struct PlacementNode {
  std::string node_id;
  Room free;
};

// Nodes with room for `demand`, best first. Rendezvous hashing: a node's rank for a task depends on
// the two ids alone, so a node that comes or goes moves no task but its own.
std::vector<std::string> RankNodes(absl::string_view task_id, const Room& demand,
                                   absl::Span<const PlacementNode> nodes);

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_PLACEMENT_H_
