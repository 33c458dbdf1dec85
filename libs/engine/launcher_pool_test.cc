#include "libs/engine/launcher_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/engine_error.h"
#include "libs/engine/testing/temporary_directory.h"
#include "libs/os/pidfd.h"
#include "libs/state/record_file.h"

namespace cloister::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string FakeLauncherPath() {
  return absl::StrCat(getenv("TEST_SRCDIR"), "/cloister/libs/engine/testing/fake_launcher_main");
}

class Listener : public LauncherListener {
 public:
  void OnLaunched(const std::string&, const internal::Launched& launched) override {
    Note(absl::StrCat("launched ", launched.task_id()));
  }
  void OnLaunchFailed(const std::string&, const internal::LaunchFailed&) override {}
  void OnExited(const std::string&, const internal::Exited& exited) override {
    Note(absl::StrCat("exited ", exited.task_id()));
  }
  void OnInventory(const std::string&,
                   const std::vector<internal::InventoryReply::Entry>&) override {}
  void OnLauncherDied(const std::string& launcher) override {
    Note(absl::StrCat("died ", launcher));
  }
  std::vector<std::string> Await(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return heard_.size() >= count;
    };
    mutex_.Await(absl::Condition(&enough));
    return heard_;
  }
  void Note(std::string words) {
    absl::MutexLock lock(&mutex_);
    heard_.push_back(std::move(words));
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> heard_ ABSL_GUARDED_BY(mutex_);
};

class LauncherPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    mkdir((directory_ / "launchers").c_str(), 0700);
    mkdir((directory_ / "task").c_str(), 0700);
    options_.program.path = FakeLauncherPath();
    options_.program.version = "1";
    options_.program.boot_id = "this boot";
    options_.program.run_directory = directory_.path();
    options_.program.slot_prefix = "n1";
    options_.tasks_per_launcher = 4;
    options_.sweep_slots = [this](const std::string& prefix) {
      listener_.Note(absl::StrCat("swept ", prefix));
      return absl::OkStatus();
    };
  }

  void TearDown() override {
    pool_.reset();
    // Launchers outlive their pool; nothing of this test shall outlive it.
    for (const auto& record : Records()) {
      auto process = PidFd::OpenRecorded(record.pid(), record.start_time_ticks());
      if (!process.ok()) continue;
      EXPECT_THAT(process->Signal(SIGKILL), IsOk());
      process->AwaitEnd(-1);
    }
  }

  std::vector<internal::LauncherRecord> Records() {
    std::vector<internal::LauncherRecord> records;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "launchers")) {
      OwnedFd folder(open(entry.path().c_str(), O_PATH | O_CLOEXEC));
      auto bytes = state::ReadRecord(folder.get(), "record");
      if (!bytes.ok()) continue;
      records.emplace_back();
      records.back().ParseFromString(*bytes);
    }
    return records;
  }

  void NewPool() {
    pool_.reset();
    OwnedFd launchers(open((directory_ / "launchers").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    pool_ = std::make_unique<LauncherPool>(std::move(launchers), options_, &listener_);
  }

  void Launch(LauncherClient& client, const std::string& id, const std::string& command) {
    internal::LaunchPlan plan;
    plan.mutable_exec()->add_candidates(command);
    OwnedFd task(open((directory_ / "task").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_THAT(client.Launch(id, plan, task.get()), IsOk());
  }

  TemporaryDirectory directory_;
  LauncherPoolOptions options_;
  Listener listener_;
  std::unique_ptr<LauncherPool> pool_;
};

TEST_F(LauncherPoolTest, ANewPoolSpawnsOneLauncherThatTakesTasks) {
  NewPool();
  auto recovered = pool_->Recover();
  ASSERT_THAT(recovered, IsOk());
  EXPECT_THAT(recovered->inventories, IsEmpty());
  ASSERT_THAT(pool_->Start({}), IsOk());
  auto client = pool_->Take();
  ASSERT_THAT(client, IsOk());
  Launch(**client, "a", "/bin/true");
  EXPECT_THAT(listener_.Await(2), ElementsAre("launched a", "exited a"));
}

TEST_F(LauncherPoolTest, AFullLauncherIsFollowedByAnother) {
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  ASSERT_THAT(pool_->Start({}), IsOk());
  std::map<std::string, int> loads;
  for (int i = 0; i < 9; ++i) {
    auto client = pool_->Take();
    ASSERT_THAT(client, IsOk());
    ++loads[(*client)->name()];
  }
  EXPECT_EQ(loads, (std::map<std::string, int>{{"1", 4}, {"2", 4}, {"3", 1}}));
  pool_->Release("1");
  // The fullest that has room.
  EXPECT_EQ((*pool_->Take())->name(), "1");
}

TEST_F(LauncherPoolTest, ARestartedPoolFindsItsLauncherWithItsTasks) {
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  ASSERT_THAT(pool_->Start({}), IsOk());
  Launch(**pool_->Take(), "a", "/run");
  listener_.Await(1);
  NewPool();
  auto recovered = pool_->Recover();
  ASSERT_THAT(recovered, IsOk());
  ASSERT_EQ(recovered->inventories.count("1"), 1);
  ASSERT_EQ(recovered->inventories["1"].size(), 1);
  EXPECT_EQ(recovered->inventories["1"][0].task_id(), "a");
  ASSERT_THAT(pool_->Start({{"1", 4}}), IsOk());
  // It is full now: the next task goes to a new one.
  EXPECT_EQ((*pool_->Take())->name(), "2");
  ASSERT_THAT(pool_->Find("1")->Stop("a", SIGTERM, 1000), IsOk());
  EXPECT_THAT(listener_.Await(2), ElementsAre("launched a", "exited a"));
}

TEST_F(LauncherPoolTest, ADeadLauncherIsSweptToldAndForgotten) {
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  ASSERT_THAT(pool_->Start({}), IsOk());
  const auto records = Records();
  ASSERT_EQ(records.size(), 1);
  auto process = PidFd::OpenRecorded(records[0].pid(), records[0].start_time_ticks());
  ASSERT_THAT(process, IsOk());
  ASSERT_THAT(process->Signal(SIGKILL), IsOk());
  EXPECT_THAT(listener_.Await(2), ElementsAre("swept n1-1", "died 1"));
  pool_.reset();  // Ends the burial.
  EXPECT_FALSE(std::filesystem::exists(records[0].socket_path()));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "launchers/1"));
}

TEST_F(LauncherPoolTest, ALauncherThatDiedMeanwhileIsSweptAtTheNextStart) {
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  ASSERT_THAT(pool_->Start({}), IsOk());
  const auto records = Records();
  pool_.reset();
  auto process = PidFd::OpenRecorded(records[0].pid(), records[0].start_time_ticks());
  ASSERT_THAT(process->Signal(SIGKILL), IsOk());
  process->AwaitEnd(-1);
  NewPool();
  auto recovered = pool_->Recover();
  ASSERT_THAT(recovered, IsOk());
  EXPECT_THAT(recovered->inventories, IsEmpty());
  EXPECT_THAT(listener_.Await(1), ElementsAre("swept n1-1"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "launchers/1"));
}

TEST_F(LauncherPoolTest, ALauncherOfAnotherBootIsForgotten) {
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  ASSERT_THAT(pool_->Start({}), IsOk());
  const auto records = Records();
  options_.program.boot_id = "next boot";
  NewPool();
  auto recovered = pool_->Recover();
  ASSERT_THAT(recovered, IsOk());
  EXPECT_THAT(recovered->inventories, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(directory_ / "launchers/1"));
  auto process = PidFd::OpenRecorded(records[0].pid(), records[0].start_time_ticks());
  ASSERT_THAT(process->Signal(SIGKILL), IsOk());
  process->AwaitEnd(-1);
}

TEST_F(LauncherPoolTest, AnOldVersionsLauncherGetsNoTasksAndLeavesWithItsLast) {
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  ASSERT_THAT(pool_->Start({}), IsOk());
  Launch(**pool_->Take(), "a", "/run");
  listener_.Await(1);
  options_.program.version = "2";
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  ASSERT_THAT(pool_->Start({{"1", 1}}), IsOk());
  EXPECT_EQ((*pool_->Take())->name(), "2");
  ASSERT_THAT(pool_->Find("1")->Stop("a", SIGTERM, 1000), IsOk());
  EXPECT_THAT(listener_.Await(4), ElementsAre("launched a", "exited a", "swept n1-1", "died 1"));
}

TEST_F(LauncherPoolTest, AnIdleLauncherLeavesAtAShutdown) {
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  ASSERT_THAT(pool_->Start({}), IsOk());
  pool_->RetireIdle(absl::InfiniteDuration());
  EXPECT_EQ(listener_.Await(2).back(), "died 1");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "launchers/1"));
}

TEST_F(LauncherPoolTest, AProgramThatIsNotThereIsNamed) {
  options_.program.path = "/nope/launcher";
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  EXPECT_THAT(pool_->Start({}), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nope/launcher")));
  auto refused = pool_->Take();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nope/launcher")));
  EXPECT_EQ(GetReason(refused.status()), kNoLauncher);
  EXPECT_THAT(std::filesystem::is_empty(directory_ / "launchers"), true);
}

TEST_F(LauncherPoolTest, AProgramThatEndsAtOnceIsQuoted) {
  std::ofstream(directory_ / "bad") << "#!/bin/sh\necho no such luck\n";
  chmod((directory_ / "bad").c_str(), 0700);
  options_.program.path = directory_ / "bad";
  NewPool();
  ASSERT_THAT(pool_->Recover(), IsOk());
  EXPECT_THAT(pool_->Start({}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no such luck")));
  EXPECT_THAT(std::filesystem::is_empty(directory_ / "launchers"), true);
}

}  // namespace
}  // namespace cloister::engine
