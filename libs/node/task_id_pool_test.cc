#include "libs/node/task_id_pool.h"

#include "gtest/gtest.h"

namespace cloister::node {
namespace {

UserNamespace Range(uint32_t last_uid, uint32_t last_gid) {
  UserNamespace space;
  space.kind = UserNamespace::Kind::kRange;
  space.last_uid = last_uid;
  space.last_gid = last_gid;
  return space;
}

TEST(TaskIdPool, OfRootIsBeyondWhatTheSystemGivesOut) {
  const TaskIdPool pool = MakeTaskIdPool(DefaultNodePolicy(), {});
  EXPECT_EQ(pool.first, 1879048192u);
  EXPECT_EQ(pool.count, 67108864u);
  EXPECT_EQ(pool.per_task, 65536u);
  EXPECT_TRUE(pool.HasAny());
}

TEST(TaskIdPool, IsWhatThePolicyNames) {
  NodePolicy policy;
  policy.userns_first = 100000;
  policy.userns_count = 5000;
  policy.userns_ids_per_task = 1000;
  const TaskIdPool pool = MakeTaskIdPool(policy, {});
  EXPECT_EQ(pool.first, 100000u);
  EXPECT_EQ(pool.count, 5000u);
  EXPECT_EQ(pool.per_task, 1000u);
  EXPECT_FALSE(MakeTaskIdPool(policy, Range(104998, 200000)).HasAny());
  EXPECT_TRUE(MakeTaskIdPool(policy, Range(104999, 104999)).HasAny());
}

TEST(TaskIdPool, WithoutRootIsWhatIsLeftBeyondTheOrdinaryIds) {
  const NodePolicy policy = DefaultNodePolicy();
  EXPECT_FALSE(MakeTaskIdPool(policy, Range(65536, 65536)).HasAny());
  EXPECT_FALSE(MakeTaskIdPool(policy, Range(0, 0)).HasAny());
  EXPECT_FALSE(MakeTaskIdPool(policy, Range(200000, 65536)).HasAny());
  const TaskIdPool pool = MakeTaskIdPool(policy, Range(131071, 131071));
  EXPECT_EQ(pool.first, 65536u);
  EXPECT_EQ(pool.count, 65536u);
  EXPECT_TRUE(pool.HasAny());
}

}  // namespace
}  // namespace cloister::node
