#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/fake_clock.h"
#include "libs/base/lull.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/slot_pool.h"
#include "libs/cgroup/slot_sweep.h"
#include "tests/kernel/cgroup/cgroup_fixture.h"

namespace cloister::cgroup {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(20);

class SlotPoolTest : public CgroupFixture {
 protected:
  std::vector<std::string> Slots() const { return *ListSlots(*Parents(Plan())); }
};

TEST_F(SlotPoolTest, MakesItsSlotsAheadAndTakesThemAllAwayAtTheEnd) {
  {
    SlotPool pool(Parents(Plan()), {"l1", 8});
    ASSERT_THAT(pool.AwaitReady(), IsOk());
    EXPECT_THAT(Slots(), SizeIs(8));
  }
  EXPECT_THAT(Slots(), IsEmpty());
}

TEST_F(SlotPoolTest, ManyThreadsGetSlotsOfTheirOwnAlsoWhenItRunsDry) {
  SlotPool pool(Parents(Plan()), {"l1", 2});
  absl::Mutex mu;
  std::set<std::string> names;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        absl::StatusOr<CgroupSlot> slot = pool.Take();
        ASSERT_THAT(slot, IsOk());
        EXPECT_THAT(slot->Limit(Plan()), IsOk());
        absl::MutexLock lock(&mu);
        EXPECT_TRUE(names.insert(slot->name()).second) << slot->name();
        pool.Discard(*std::move(slot));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(names.size(), 100u);
  EXPECT_THAT(pool.AwaitRemoved(kPatience), IsOk());
  EXPECT_THAT(pool.Close(kPatience), IsOk());
  EXPECT_THAT(Slots(), IsEmpty());
}

TEST_F(SlotPoolTest, ADiscardedSlotGoesOnceItsProcessesHaveGone) {
  SlotPool pool(Parents(Plan()), {"l1", 1});
  absl::StatusOr<CgroupSlot> slot = pool.Take();
  ASSERT_THAT(slot, IsOk());
  const std::string name = slot->name();
  Member& member = SleepIn(*slot);
  pool.Discard(*std::move(slot));
  absl::Status status;
  do {
    status = pool.AwaitRemoved(absl::Milliseconds(1));
  } while (absl::IsDeadlineExceeded(status));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("resource busy")));
  EXPECT_THAT(Slots(), Contains(name));
  ASSERT_THAT(member.pidfd.Signal(SIGKILL), IsOk());
  WaitFor(member);
  EXPECT_THAT(pool.AwaitRemoved(kPatience), IsOk());
  EXPECT_THAT(Slots(), Not(Contains(name)));
}

TEST_F(SlotPoolTest, ABusySlotHoldsUpNoOther) {
  SlotPool pool(Parents(Plan()), {"l1", 1});
  absl::StatusOr<CgroupSlot> busy = pool.Take();
  ASSERT_THAT(busy, IsOk());
  const std::string name = busy->name();
  Member& member = SleepIn(*busy);
  pool.Discard(*std::move(busy));
  for (int i = 0; i < 10; ++i) {
    absl::StatusOr<CgroupSlot> slot = pool.Take();
    ASSERT_THAT(slot, IsOk());
    pool.Discard(*std::move(slot));
  }
  // The busy one and the one that is ready.
  while (Slots().size() != 2) std::this_thread::yield();
  EXPECT_THAT(pool.Close(absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(name)));
  EXPECT_THAT(Slots(), ::testing::ElementsAre(name));
  ASSERT_THAT(member.pidfd.Signal(SIGKILL), IsOk());
  WaitFor(member);
}

// A clock that stands still after a disturbance: a lull comes when the test lets it.
class SlotPoolLullTest : public SlotPoolTest {
 protected:
  SlotPoolLullTest() { lull_.Disturb(absl::Milliseconds(2)); }

  SlotPoolOptions Options(size_t target) const { return {"l1", target, &lull_}; }

  FakeClock clock_;
  Lull lull_{&clock_};
};

TEST_F(SlotPoolLullTest, ADiscardedSlotGoesInALull) {
  SlotPool pool(Parents(Plan()), Options(0));
  absl::StatusOr<CgroupSlot> slot = pool.Take();
  ASSERT_THAT(slot, IsOk());
  pool.Discard(*std::move(slot));
  EXPECT_THAT(Slots(), SizeIs(1));
  clock_.Advance(absl::Milliseconds(2));
  while (!Slots().empty()) std::this_thread::yield();
}

TEST_F(SlotPoolLullTest, WhoeverWaitsForItNeedsNoLull) {
  SlotPool pool(Parents(Plan()), Options(8));
  ASSERT_THAT(pool.AwaitReady(), IsOk());
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<CgroupSlot> slot = pool.Take();
    ASSERT_THAT(slot, IsOk());
    pool.Discard(*std::move(slot));
  }
  EXPECT_THAT(pool.AwaitRemoved(kPatience), IsOk());
  EXPECT_THAT(pool.Close(kPatience), IsOk());
  EXPECT_THAT(Slots(), IsEmpty());
}

TEST_F(SlotPoolLullTest, ManyAreMadeAndRemovedWithoutOne) {
  constexpr size_t kTarget = 8;
  SlotPool pool(Parents(Plan()), Options(kTarget));
  while (Slots().size() < kTarget) std::this_thread::yield();
  std::vector<CgroupSlot> taken;
  for (size_t i = 0; i < kTarget; ++i) taken.push_back(*pool.Take());
  // Few are ready: they are made again.
  while (Slots().size() < 2 * kTarget) std::this_thread::yield();
  while (taken.size() < 4 * kTarget) taken.push_back(*pool.Take());
  for (CgroupSlot& slot : taken) pool.Discard(std::move(slot));
  while (Slots().size() > kTarget) std::this_thread::yield();
}

TEST_F(SlotPoolTest, LeavesSlotsOfAnEarlierProcessWithItsPrefixAlone) {
  MakeSlot(Plan(), "l1-1");
  MakeSlot(Plan(), "l1-2");
  SlotPool pool(Parents(Plan()), {"l1", 0});
  absl::StatusOr<CgroupSlot> slot = pool.Take();
  ASSERT_THAT(slot, IsOk());
  EXPECT_EQ(slot->name(), "l1-3");
  pool.Discard(*std::move(slot));
  EXPECT_THAT(pool.Close(kPatience), IsOk());
  EXPECT_THAT(Slots(), ::testing::ElementsAre("l1-1", "l1-2"));
}

TEST_F(SlotPoolTest, SlotsThatAreTakenSurviveThePool) {
  absl::StatusOr<CgroupSlot> slot;
  {
    SlotPool pool(Parents(Plan()), {"l1", 4});
    slot = pool.Take();
    ASSERT_THAT(slot, IsOk());
    EXPECT_THAT(pool.Close(kPatience), IsOk());
    EXPECT_THAT(pool.Take(), StatusIs(absl::StatusCode::kFailedPrecondition));
  }
  EXPECT_THAT(Slots(), ::testing::ElementsAre(slot->name()));
  EXPECT_THAT(slot->Remove(), IsOk());
}

TEST_F(SlotPoolTest, TellsWhyItCannotMakeSlots) {
  const internal::CgroupPlan plan = Plan();
  const std::shared_ptr<const SlotParents> parents = Parents(plan);
  const std::string share = plan.hierarchies(0).mount_point() + "/" + parent_ + "/share";
  ASSERT_EQ(rmdir(share.c_str()), 0);
  SlotPool pool(parents, {"l1", 2});
  EXPECT_THAT(pool.AwaitReady(), StatusIs(::testing::_, HasSubstr(share)));
  EXPECT_THAT(pool.Take(), StatusIs(::testing::_, HasSubstr(share)));
  EXPECT_THAT(pool.Close(kPatience), IsOk());
}

TEST_F(SlotPoolTest, ServesPlansOfItsPlacementWhateverTheirLimits) {
  SlotPool pool(Parents(Plan()), {"l1", 0});
  EXPECT_TRUE(pool.Serves(Plan({7, 1 << 20, 7})));
  internal::CgroupPlan other = Plan();
  other.mutable_hierarchies(0)->set_parent("elsewhere");
  EXPECT_FALSE(pool.Serves(other));
  EXPECT_FALSE(pool.Serves({}));
}

}  // namespace
}  // namespace cloister::cgroup
