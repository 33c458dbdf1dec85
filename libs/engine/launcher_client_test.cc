#include "libs/engine/launcher_client.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/testing/fake_launcher.h"
#include "libs/engine/testing/temporary_directory.h"
#include "libs/os/seqpacket.h"
#include "libs/os/spawn.h"

namespace cloister::engine {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// Writes down what it hears, as words.
class RecordingListener : public LauncherListener {
 public:
  void OnLaunched(const std::string&, const internal::Launched& launched) override {
    Note(absl::StrCat("launched ", launched.task_id()));
  }
  void OnLaunchFailed(const std::string&, const internal::LaunchFailed& failed) override {
    Note(absl::StrCat("failed ", failed.task_id()));
  }
  void OnExited(const std::string&, const internal::Exited& exited) override {
    Note(absl::StrCat("exited ", exited.task_id(), " ", exited.wait_status()));
  }
  void OnInventory(const std::string&,
                   const std::vector<internal::InventoryReply::Entry>& entries) override {
    std::string words = "inventory";
    for (const auto& entry : entries) absl::StrAppend(&words, " ", entry.task_id());
    Note(words);
  }
  void OnLauncherDied(const std::string& launcher) override {
    Note(absl::StrCat("died ", launcher));
  }

  // Blocks until that many were heard.
  std::vector<std::string> Await(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return heard_.size() >= count;
    };
    mutex_.Await(absl::Condition(&enough));
    return heard_;
  }

 private:
  void Note(std::string words) {
    absl::MutexLock lock(&mutex_);
    heard_.push_back(std::move(words));
  }

  absl::Mutex mutex_;
  std::vector<std::string> heard_ ABSL_GUARDED_BY(mutex_);
};

// The launcher's conversation is with a fake in this process; its life is that of a `cat` that
// reads a pipe of ours.
class LauncherClientTest : public testing::Test {
 protected:
  void SetUp() override {
    task_directory_ = OwnedFd(open(directory_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto listener = ListenSeqpacket(directory_ / "s");
    ASSERT_THAT(listener, IsOk());
    launcher_ = std::make_unique<FakeLauncher>(*std::move(listener));
    int fds[2];
    ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
    OwnedFd read_end(fds[0]);
    write_end_ = OwnedFd(fds[1]);
    SpawnOptions options;
    options.argv = {"/bin/cat"};
    options.fds = {{read_end.get(), 0}};
    auto process = Spawn(options);
    ASSERT_THAT(process, IsOk());
    pid_ = process->pid;
    pidfd_ = std::move(process->pidfd);
  }

  void Connect() {
    LauncherClient::Target target;
    target.name = "l1";
    target.socket_path = directory_ / "s";
    target.process = std::move(pidfd_);
    target.is_child = true;
    auto client = LauncherClient::Connect(&target, absl::Seconds(60));
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
  }

  internal::LaunchPlan Plan(const std::string& command) {
    internal::LaunchPlan plan;
    plan.mutable_exec()->add_candidates(command);
    return plan;
  }

  absl::Status Launch(const std::string& id, const std::string& command) {
    return client_->Launch(id, Plan(command), task_directory_.get());
  }

  TemporaryDirectory directory_;
  OwnedFd task_directory_;
  OwnedFd write_end_;
  pid_t pid_ = 0;
  PidFd pidfd_;
  std::unique_ptr<FakeLauncher> launcher_;
  RecordingListener listener_;
  std::unique_ptr<LauncherClient> client_;
};

TEST_F(LauncherClientTest, ALaunchIsAnsweredInOrder) {
  Connect();
  client_->Start(&listener_);
  ASSERT_THAT(Launch("a", "/exit/7"), IsOk());
  ASSERT_THAT(Launch("b", "/fail"), IsOk());
  EXPECT_THAT(listener_.Await(3), ElementsAre("launched a", "exited a 1792", "failed b"));
}

TEST_F(LauncherClientTest, APlanTooLargeForAMessageArrivesWhole) {
  Connect();
  client_->Start(&listener_);
  internal::LaunchPlan plan = Plan("/exit/7");
  for (int i = 0; i < 1000; ++i) plan.mutable_exec()->add_env(std::string(100, 'x'));
  ASSERT_THAT(client_->Launch("a", plan, task_directory_.get()), IsOk());
  EXPECT_THAT(listener_.Await(2), ElementsAre("launched a", "exited a 1792"));
  EXPECT_TRUE(launcher_->AwaitRequest([](const auto& request) { return request.has_launch(); })
                  .launch()
                  .plan_in_fd());
}

TEST_F(LauncherClientTest, WhatCameBeforeStartIsHeardAfterIt) {
  internal::InventoryReply::Entry ended;
  ended.set_task_id("old");
  ended.set_state(internal::InventoryReply::Entry::STATE_EXITED);
  ended.mutable_exited()->set_task_id("old");
  launcher_->SetInventory(ended);
  internal::InventoryReply::Entry running;
  running.set_task_id("live");
  running.set_state(internal::InventoryReply::Entry::STATE_RUNNING);
  launcher_->SetInventory(running);
  Connect();
  auto inventory = client_->Inventory(absl::Seconds(60));
  ASSERT_THAT(inventory, IsOk());
  std::vector<std::string> ids;
  for (const auto& entry : *inventory) ids.push_back(entry.task_id());
  EXPECT_THAT(ids, UnorderedElementsAre("old", "live"));
  client_->Start(&listener_);
  EXPECT_THAT(listener_.Await(1), ElementsAre("exited old 0"));
}

TEST_F(LauncherClientTest, ASignalIsAnsweredToItsCaller) {
  Connect();
  client_->Start(&listener_);
  ASSERT_THAT(Launch("a", "/ignore"), IsOk());
  absl::Notification first;
  client_->Signal("a", SIGHUP, [&](absl::Status status) {
    EXPECT_THAT(status, IsOk());
    first.Notify();
  });
  absl::Notification second;
  client_->Signal("x", SIGHUP, [&](absl::Status status) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
    second.Notify();
  });
  first.WaitForNotification();
  second.WaitForNotification();
}

TEST_F(LauncherClientTest, ABrokenConnectionIsMadeAnewWithAnInventory) {
  Connect();
  client_->Start(&listener_);
  ASSERT_THAT(Launch("a", "/run"), IsOk());
  listener_.Await(1);
  launcher_->HangUp();
  EXPECT_THAT(listener_.Await(2), ElementsAre("launched a", "inventory a"));
  ASSERT_THAT(client_->Stop("a", SIGTERM, 1000), IsOk());
  EXPECT_EQ(listener_.Await(3).back(), "exited a 15");
}

TEST_F(LauncherClientTest, ADeadLauncherIsToldLastAndReaped) {
  Connect();
  client_->Start(&listener_);
  ASSERT_THAT(Launch("a", "/run"), IsOk());
  listener_.Await(1);
  write_end_.reset();  // cat reads the end of its input.
  EXPECT_THAT(listener_.Await(2), ElementsAre("launched a", "died l1"));
  EXPECT_THAT(PidFd::Open(pid_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(LauncherClientTest, NothingIsSentToALauncherThatClosed) {
  Connect();
  launcher_.reset();
  EXPECT_THAT(Launch("a", "/run"), StatusIs(absl::StatusCode::kUnavailable));
  bool told = false;
  client_->Signal("a", SIGHUP, [&](absl::Status status) {
    told = true;
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  });
  EXPECT_TRUE(told);
}

TEST_F(LauncherClientTest, AnOpenSignalFailsWithTheClient) {
  Connect();
  bool told = false;
  client_->Signal("a", SIGHUP, [&](absl::Status status) {
    told = true;
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  });
  EXPECT_FALSE(told);
  client_.reset();
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace cloister::engine
