#include "services/frontend/pending_starts.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace cloister::frontend {
namespace {

using Outcome = PendingStarts::Outcome;

constexpr Room kDemand = {.tasks = 1, .memory_mib = 300};
const absl::Time kNow = absl::FromUnixSeconds(1000);

TEST(PendingStarts, HoldRoomUntilTheyAreAnswered) {
  PendingStarts starts;
  starts.Begin("a", "n1", kDemand, kNow);
  starts.Begin("b", "n1", kDemand, kNow);
  EXPECT_EQ(starts.HeldOn("n1").tasks, 2);
  EXPECT_EQ(starts.HeldOn("n1").memory_mib, 600);
  EXPECT_EQ(starts.HeldOn("n2").tasks, 0);
  EXPECT_TRUE(starts.End("a", Outcome::kStarted, kNow));
  EXPECT_TRUE(starts.End("b", Outcome::kRefused, kNow));
  EXPECT_EQ(starts.HeldOn("n1").tasks, 0);
  EXPECT_EQ(starts.NodeOf("a"), "");
}

TEST(PendingStarts, DoNotCountTwiceWhatTheNodeReported) {
  PendingStarts starts;
  starts.Begin("a", "n1", kDemand, kNow);
  starts.Reported("n2", "a");
  EXPECT_EQ(starts.HeldOn("n1").tasks, 1) << "another node's word";
  starts.Reported("n1", "a");
  starts.Reported("n1", "a");
  EXPECT_EQ(starts.HeldOn("n1").tasks, 0);
  EXPECT_EQ(starts.NodeOf("a"), "n1") << "the call is still on its way";
  EXPECT_TRUE(starts.End("a", Outcome::kUnknown, kNow));
  EXPECT_EQ(starts.NodeOf("a"), "");
  EXPECT_EQ(starts.HeldOn("n1").tasks, 0);
}

TEST(PendingStarts, BindAStartOfUnknownOutcomeToItsNode) {
  PendingStarts starts;
  starts.Begin("a", "n1", kDemand, kNow);
  starts.End("a", Outcome::kUnknown, kNow);
  EXPECT_EQ(starts.NodeOf("a"), "n1");
  EXPECT_EQ(starts.HeldOn("n1").tasks, 0) << "it may never come to be";
  starts.Begin("a", "n1", kDemand, kNow);
  EXPECT_EQ(starts.HeldOn("n1").tasks, 1);
  starts.End("a", Outcome::kUnknown, kNow);
  starts.NodeSynced("n2");
  EXPECT_EQ(starts.NodeOf("a"), "n1");
  starts.NodeSynced("n1");
  EXPECT_EQ(starts.NodeOf("a"), "");
  EXPECT_EQ(starts.HeldOn("n1").tasks, 0);
}

TEST(PendingStarts, LetARepeatedStartDecideForAll) {
  PendingStarts starts;
  starts.Begin("a", "n1", kDemand, kNow);
  starts.Begin("a", "n1", kDemand, kNow);
  EXPECT_EQ(starts.HeldOn("n1").tasks, 1);
  starts.End("a", Outcome::kUnknown, kNow);
  EXPECT_EQ(starts.NodeOf("a"), "n1");
  starts.End("a", Outcome::kStarted, kNow);
  EXPECT_EQ(starts.NodeOf("a"), "");
}

TEST(PendingStarts, KeepACallOnItsWayWhenTheNodeSyncs) {
  PendingStarts starts;
  starts.Begin("a", "n1", kDemand, kNow);
  starts.NodeSynced("n1");
  EXPECT_EQ(starts.NodeOf("a"), "n1");
}

TEST(PendingStarts, DisownTheAnswerOfATaskThatWasDestroyedMeanwhile) {
  PendingStarts starts;
  starts.Begin("a", "n1", kDemand, kNow);
  starts.Reported("n1", "a");
  starts.Destroyed("n1", "a");
  EXPECT_FALSE(starts.End("a", Outcome::kStarted, kNow));
  EXPECT_EQ(starts.NodeOf("a"), "");
}

TEST(PendingStarts, LetGoOfUnknownOutcomesInTheEnd) {
  PendingStarts starts;
  starts.Begin("a", "n1", kDemand, kNow);
  starts.End("a", Outcome::kUnknown, kNow);
  const absl::Time later = kNow + PendingStarts::kKeepUnknown;
  starts.Begin("b", "n1", kDemand, later - absl::Seconds(1));
  EXPECT_EQ(starts.NodeOf("a"), "n1");
  starts.Begin("c", "n1", kDemand, later + PendingStarts::kKeepUnknown / 10);
  EXPECT_EQ(starts.NodeOf("a"), "");
  EXPECT_EQ(starts.NodeOf("b"), "n1") << "on its way, however long";
}

}  // namespace
}  // namespace cloister::frontend
