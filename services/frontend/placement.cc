#include "services/frontend/placement.h"

#include <algorithm>
#include <utility>

#include "libs/base/stable_hash.h"

namespace cloister::frontend {
namespace {

bool HasRoom(const Room& free, const Room& demand) {
  return free.tasks >= demand.tasks && free.memory_mib >= demand.memory_mib;
}

}  // namespace

std::vector<std::string> RankNodes(absl::string_view task_id, const Room& demand,
                                   absl::Span<const PlacementNode> nodes) {
  std::vector<std::pair<uint64_t, absl::string_view>> weighted;
  for (const PlacementNode& node : nodes) {
    if (!HasRoom(node.free, demand)) continue;
    weighted.emplace_back(StableHash64({task_id, node.node_id}), node.node_id);
  }
  std::sort(weighted.begin(), weighted.end(), [](const auto& a, const auto& b) {
    // The id decides between equal hashes, so that the order is total.
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<std::string> ranked;
  ranked.reserve(weighted.size());
  for (const auto& [hash, node_id] : weighted) ranked.emplace_back(node_id);
  return ranked;
}

}  // namespace cloister::frontend
