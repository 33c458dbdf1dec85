#include "services/frontend/placement.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::frontend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Room kSmall = {.tasks = 1, .memory_mib = 300};

std::vector<PlacementNode> Nodes(int count) {
  std::vector<PlacementNode> nodes;
  for (int i = 0; i < count; ++i) {
    nodes.push_back({absl::StrCat("node-", i), {.tasks = 100, .memory_mib = 100000}});
  }
  return nodes;
}

std::string TaskId(int i) { return absl::StrCat("task-", i); }

TEST(Placement, GivesTheSameOrderWhateverTheOrderOfTheNodes) {
  std::vector<PlacementNode> nodes = Nodes(7);
  const std::vector<std::string> ranked = RankNodes("t1", kSmall, nodes);
  std::vector<PlacementNode> reversed(nodes.rbegin(), nodes.rend());
  EXPECT_EQ(RankNodes("t1", kSmall, reversed), ranked);
  EXPECT_THAT(ranked, SizeIs(7));
}

// A change here moves every retried start of a running cluster to another node.
TEST(Placement, KeepsItsOrderAcrossVersions) {
  EXPECT_THAT(RankNodes("task-1", kSmall, Nodes(4)),
              ElementsAre("node-1", "node-0", "node-3", "node-2"));
}

TEST(Placement, LeavesOutNodesWithoutRoom) {
  std::vector<PlacementNode> nodes = {
      {"full", {.tasks = 0, .memory_mib = 1000}},
      {"small", {.tasks = 5, .memory_mib = 299}},
      {"fits", {.tasks = 1, .memory_mib = 300}},
  };
  EXPECT_THAT(RankNodes("t", kSmall, nodes), ElementsAre("fits"));
  EXPECT_THAT(RankNodes("t", {.tasks = 1, .memory_mib = 2000}, nodes), IsEmpty());
  EXPECT_THAT(RankNodes("t", kSmall, {}), IsEmpty());
}

TEST(Placement, SpreadsTasksEvenly) {
  constexpr int kTasks = 10000;
  const std::vector<PlacementNode> nodes = Nodes(10);
  std::map<std::string, int> taken;
  for (int i = 0; i < kTasks; ++i) ++taken[RankNodes(TaskId(i), kSmall, nodes).front()];
  ASSERT_THAT(taken, SizeIs(10));
  // 1000 expected, standard deviation 30: five of them either way.
  for (const auto& [node, count] : taken) {
    EXPECT_GT(count, 850) << node;
    EXPECT_LT(count, 1150) << node;
  }
}

TEST(Placement, MovesOnlyTheTasksOfANodeThatLeaves) {
  const std::vector<PlacementNode> all = Nodes(10);
  std::vector<PlacementNode> fewer = all;
  fewer.erase(fewer.begin() + 3);
  for (int i = 0; i < 2000; ++i) {
    const std::vector<std::string> before = RankNodes(TaskId(i), kSmall, all);
    const std::string after = RankNodes(TaskId(i), kSmall, fewer).front();
    EXPECT_EQ(after, before[0] == "node-3" ? before[1] : before[0]) << TaskId(i);
  }
}

TEST(Placement, SpreadsTheTasksOfALostNodeOverTheOthers) {
  const std::vector<PlacementNode> all = Nodes(5);
  std::map<std::string, int> second;
  for (int i = 0; i < 5000; ++i) {
    const std::vector<std::string> ranked = RankNodes(TaskId(i), kSmall, all);
    if (ranked[0] == "node-0") ++second[ranked[1]];
  }
  ASSERT_THAT(second, SizeIs(4));
  for (const auto& [node, count] : second) EXPECT_GT(count, 170) << node;
}

}  // namespace
}  // namespace cloister::frontend
