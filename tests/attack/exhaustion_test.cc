// Tasks that take all there is of something, or come and go as fast as they can: the others go on,
// and our services are as they were.
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/attack/attack_fixture.h"
#include "tests/attack/effort.h"
#include "tests/testing/leftovers.h"

namespace cloister {
namespace {

using testing::IsEmpty;

constexpr long kMemoryMib = 64;
constexpr long kPids = 96;

struct Flood {
  const char* kind;
  long most;
  const char* directory;
  // How many the task gets, at the most; 0: what stops it is its memory.
  long limit;
};

constexpr Flood kFloods[] = {
    {"processes", 100'000, "", kPids},
    {"zombies", 100'000, "", kPids},
    {"threads", 100'000, "", kPids},
    {"descriptors", 2'000'000, "", 1 << 20},
    {"holders", 100'000, "", kPids},
    {"inodes", 2'000'000, "/dev/shm", 0},
    {"inodes", 2'000'000, "/secrets", 0},
    {"bytes", 100'000, "/dev/shm", kMemoryMib},
    {"bytes", 100'000, "/secrets", kMemoryMib},
    {"pipes", 1'000'000, "", 0},
    {"sockets", 2'000'000, "", 0},
    {"epolls", 2'000'000, "", 0},
    {"queues", 100'000, "", 0},
    {"shared_memory", 100'000, "", 0},
};

class Exhaustion : public AttackTest {
 protected:
  v1::StartTaskRequest Limited(v1::StartTaskRequest request) const {
    request.mutable_config()->mutable_resources()->set_memory(kMemoryMib);
    request.mutable_config()->mutable_resources()->set_pids(kPids);
    return request;
  }

  Footprint Measure() {
    const absl::StatusOr<Footprint> footprint = MeasureServices(cluster().layout().directory);
    EXPECT_THAT(footprint, IsOk());
    return footprint.ok() ? *footprint : Footprint();
  }

  // Some threads and connections come with the first calls, so `before` is of a cluster that has
  // run tasks; and how many cgroups a launcher has ready for the next ones changes by the moment.
  void ExpectAsBefore(const Footprint& before) {
    constexpr long kSome = 64;
    constexpr long kSomeKib = 48 << 10;
    const Footprint after = Measure();
    EXPECT_LE(after.descriptors, before.descriptors + kSome);
    EXPECT_LE(after.threads, before.threads + kSome);
    EXPECT_LE(after.resident_kib, before.resident_kib + kSomeKib);
  }

  void ExpectNothingLeft() {
    EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
  }
};

// fork bomb, thread bomb, zombie flood, and of descriptors, inodes, shm, tmpfs and the rest.
TEST_P(Exhaustion, AFloodIsTheTasksOwnTrouble) {
  if (!HasLimits()) GTEST_SKIP() << "without a cgroup of its own a user's tasks have no limits";
  EXPECT_EQ(Run(Sh("echo ok")).out, "ok\n");
  const Footprint before = Measure();
  for (const Flood& flood : kFloods) {
    SCOPED_TRACE(absl::StrCat(flood.kind, " ", flood.directory));
    const std::string id = StartUntil(Limited(Command({Payload("attack"), "flood", flood.kind,
                                                       absl::StrCat(flood.most), flood.directory})),
                                      "");
    // It is held, or the kernel has ended the task for it; the others have what is theirs.
    EXPECT_EQ(Run(Limited(Sh("sh -c 'echo ok' | cat; : >/dev/shm/x"))).out, "ok\n");
    EXPECT_THAT(cluster().executor_client(1).ListTasks({}), IsOk());
    v1::StopTaskRequest stop;
    stop.set_request_id(RandomId());
    stop.set_task_id(id);
    stop.mutable_grace()->set_nanos(1);
    cluster().client().StopTask(stop).IgnoreError();  // Ended already, maybe.
    const std::vector<std::string> words = absl::StrSplit(Await(id), ' ');
    if (words.size() == 3) {
      EXPECT_NE(words[2], "UNLIMITED\n");
      ReportEffort(flood.kind, GetParam().name.c_str(), "taken", std::stol(words[1]));
      if (flood.limit > 0) {
        EXPECT_LE(std::stol(words[1]), flood.limit);
      }
    }
    Destroy(id);
    ExpectNothingLeft();
  }
  ExpectAsBefore(before);
}

// exit in 1 ms, many times, from several sides.
TEST_P(Exhaustion, TasksThatEndAtOnceLeaveNothing) {
  constexpr int kSides = 4;
  const long all = Effort(100, 10'000);
  for (int i = 0; i < 2 * kSides; ++i) Run(Command({Payload("exit_code"), "0"}));
  const Footprint before = Measure();
  std::atomic<long> begun{0};
  std::atomic<long> wrong{0};
  std::vector<std::thread> sides;
  for (int side = 0; side < kSides; ++side) {
    sides.emplace_back([&] {
      while (begun.fetch_add(1) < all) {
        const absl::StatusOr<v1::Task> task =
            cluster().client().StartTask(Command({Payload("exit_code"), "7"}));
        const bool right =
            task.ok() && cluster().client().WaitTask(task->id())->exit_result().exit_code() == 7 &&
            cluster().Destroy(task->id()).ok();
        if (!right) ++wrong;
      }
    });
  }
  for (std::thread& side : sides) side.join();
  EXPECT_EQ(wrong, 0);
  ExpectNothingLeft();
  ExpectAsBefore(before);
  ReportEffort("exit-1ms", GetParam().name.c_str(), "tasks", all);
}

INSTANTIATE_TEST_SUITE_P(Cells, Exhaustion, testing::ValuesIn(Cells()), CellName);

}  // namespace
}  // namespace cloister
