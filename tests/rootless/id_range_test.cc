// A user with a range of ids: tasks are nobody, or whoever is in the range, as on a node of root's.
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/rootless/rootless_fixture.h"
#include "tests/testing/leftovers.h"
#include "tests/testing/ordinary_user.h"

namespace cloister {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class IdRange : public RootlessTest {
 protected:
  void SetUp() override {
    if (access("/usr/bin/newuidmap", X_OK) != 0) {
      GTEST_SKIP() << "no newuidmap: tools/dev/setup installs uidmap";
    }
    RootlessTest::SetUp();
  }
};

TEST_F(IdRange, TaskIsNobodyByDefaultAndHoldsNothing) {
  const auto status = StatusOf(Request({"x"}));
  EXPECT_EQ(status.at("Uid"), "65534\t65534\t65534\t65534");
  EXPECT_EQ(status.at("Gid"), "65534\t65534\t65534\t65534");
  EXPECT_EQ(status.at("CapEff"), "0000000000000000");
  EXPECT_EQ(status.at("CapPrm"), "0000000000000000");
  EXPECT_EQ(OutputOf({"/usr/bin/id", "-un"}), "nobody\n");
}

TEST_F(IdRange, EveryMappedUserWorksAndOwnsItsDirectories) {
  v1::StartTaskRequest request =
      Request({"/bin/sh", "-c", "id -u; id -g; stat -c %u:%g /local; echo x >/local/x"});
  request.mutable_config()->set_user("1234:5678");
  EXPECT_EQ(OutputOf(request), "1234\n5678\n1234:5678\n");
}

TEST_F(IdRange, WhoIsNotMappedIsRefused) {
  for (const char* user : {"70000:70000", "1234:70000"}) {
    v1::StartTaskRequest request = Request({"/bin/true"});
    request.mutable_config()->set_user(user);
    EXPECT_EQ(RefusalOf(request), "USER_NOT_MAPPED") << user;
  }
}

TEST_F(IdRange, ACapabilityOverItsOwnIdsIsHeldAndOneOverTheNodesIsRefused) {
  v1::StartTaskRequest request = Request({"x"});
  request.mutable_config()->mutable_config()->add_cap_add("chown");
  EXPECT_EQ(StatusOf(request).at("CapEff"), "0000000000000001");
  request = Request({"x"});
  request.mutable_config()->mutable_config()->add_cap_add("net_bind_service");
  EXPECT_EQ(RefusalOf(request), "NEEDS_ROOT");
}

TEST_F(IdRange, TasksOutliveTheExecutorAndAreDestroyedByTheNext) {
  const absl::StatusOr<v1::Task> task =
      cluster().StartTask({"/bin/sh", "-c", "mkdir -m 0 /local/a; echo up; exec sleep 1000"});
  ASSERT_THAT(task, IsOk());
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  EXPECT_EQ(Shell("echo beside; cat /proc/1/status >/dev/null && echo ok"), "beside\nok\n");
  const absl::StatusOr<std::vector<v1::Task>> tasks = cluster().executor_client(1).ListTasks({});
  ASSERT_THAT(tasks, IsOkAndHolds(SizeIs(2)));
  for (const v1::Task& each : *tasks) EXPECT_THAT(cluster().Destroy(each.id()), IsOk());
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
}

TEST_F(IdRange, TasksOfADeadExecutorAndLauncherAreClearedAwayByTheNext) {
  const absl::StatusOr<v1::Task> task =
      cluster().StartTask({"/bin/sh", "-c", "mkdir -m 0 /local/a; exec sleep 1000"});
  ASSERT_THAT(task, IsOk());
  ASSERT_THAT(cluster().KillExecutor(1), IsOk());
  ASSERT_THAT(cluster().KillLaunchers(1), IsOk());
  ASSERT_THAT(cluster().StartExecutor(1), IsOk());
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
}

TEST_F(IdRange, NodeSaysThatItRunsWithoutRoot) {
  const absl::StatusOr<std::vector<v1::Node>> nodes = cluster().client().ListNodes();
  ASSERT_THAT(nodes, IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT((*nodes)[0].unavailable(), Contains(HasSubstr("no capabilities but")));
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  cloister::OrdinaryUserOptions options;
  options.id = 12346;
  options.first_subordinate = 700000;
  options.subordinates = 65536;
  const cloister::OrdinaryUser user(options);
  // Taken from the environment before main: a report where only root may write.
  testing::GTEST_FLAG(output) = "";
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
