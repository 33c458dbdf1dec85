// The launcher as a process: its wire, who may control it, and what it does for tasks when its
// controller is gone.
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cloister/internal/launch_record.pb.h"
#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"
#include "libs/os/memfd.h"
#include "libs/os/seqpacket.h"
#include "libs/os/spawn.h"
#include "libs/state/layout.h"
#include "libs/state/record_file.h"
#include "tests/kernel/launch_fixture.h"

namespace cloister {
namespace {

using internal::LauncherEvent;
using internal::LauncherRequest;

constexpr char kLauncher[] = "services/launcher/cloister-launcher";

class LauncherProcess : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (HasFatalFailure()) return;
    socket_ = absl::StrCat(directory_, "/l");
    absl::StatusOr<OwnedFd> listener = ListenSeqpacket(socket_);
    ASSERT_THAT(listener, IsOk());
    absl::StatusOr<SpawnedProcess> process = Spawn(
        {{kLauncher, "--listen_fd=3", "--cgroup_slot_prefix=k"}, {}, {{listener->get(), 3}}, true});
    ASSERT_THAT(process, IsOk());
    launcher_ = *std::move(process);
    controller_ = Connect();
  }

  void TearDown() override {
    launcher_.pidfd.Signal(SIGKILL).IgnoreError();
    launcher_.pidfd.WaitAndReap().IgnoreError();
    SweepSlots("k");
    LaunchFixture::TearDown();
  }

  OwnedFd Connect() {
    absl::StatusOr<OwnedFd> connection = ConnectSeqpacket(socket_);
    EXPECT_THAT(connection, IsOk());
    return *std::move(connection);
  }

  void Send(const LauncherRequest& request, absl::Span<const int> fds = {}) {
    EXPECT_THAT(SendPacket(controller_.get(), request.SerializeAsString(), fds), IsOk());
  }

  LauncherEvent Receive() {
    LauncherEvent event;
    absl::StatusOr<Packet> packet = ReceivePacket(controller_.get());
    EXPECT_THAT(packet, IsOk());
    if (packet.ok()) event.ParseFromString(packet->bytes);
    return event;
  }

  std::string TaskDirectory(const std::string& id) const {
    return absl::StrCat(directory_, "/", id);
  }

  void StartTask(const std::string& id, const std::string& script, bool plan_in_fd = false) {
    internal::LaunchPlan plan = DefaultPlan();
    plan.mutable_exec()->set_args(1, script);
    ASSERT_EQ(mkdir(TaskDirectory(id).c_str(), 0700), 0);
    absl::StatusOr<OwnedFd> directory = OpenDirectory(TaskDirectory(id));
    ASSERT_THAT(directory, IsOk());
    LauncherRequest request;
    request.mutable_launch()->set_task_id(id);
    if (!plan_in_fd) {
      *request.mutable_launch()->mutable_plan() = plan;
      Send(request, {directory->get()});
      return;
    }
    absl::StatusOr<OwnedFd> memfd = MakeSealedMemfd("plan", plan.SerializeAsString(), 0400);
    ASSERT_THAT(memfd, IsOk());
    request.mutable_launch()->set_plan_in_fd(true);
    Send(request, {directory->get(), memfd->get()});
  }

  void StopTask(const std::string& id, int64_t grace_ms) {
    LauncherRequest request;
    request.mutable_stop()->set_task_id(id);
    request.mutable_stop()->set_signal(SIGTERM);
    request.mutable_stop()->set_grace_ms(grace_ms);
    Send(request);
  }

  std::string Log(const std::string& id, const char* name) const {
    std::ifstream file(absl::StrCat(TaskDirectory(id), "/logs/", name));
    std::stringstream contents;
    contents << file.rdbuf();
    return contents.str();
  }

  std::string socket_;
  SpawnedProcess launcher_;
  OwnedFd controller_;
};

TEST_F(LauncherProcess, RunsATaskAndTellsItsEnd) {
  LauncherRequest hello;
  hello.mutable_hello()->set_version(1);
  Send(hello);
  EXPECT_EQ(Receive().hello().pid(), launcher_.pid);
  StartTask("a", "echo out; echo err >&2; exit 7");
  LauncherEvent launched = Receive();
  ASSERT_TRUE(launched.has_launched()) << launched.DebugString();
  EXPECT_GT(launched.launched().start_time_ticks(), 0u);
  LauncherEvent exited = Receive();
  ASSERT_TRUE(exited.has_exited()) << exited.DebugString();
  EXPECT_EQ(WEXITSTATUS(exited.exited().wait_status()), 7);
  EXPECT_EQ(exited.exited().usage().stdout_bytes(), 4u);
  EXPECT_GT(exited.exited().usage().cpu_time_ns(), 0u);
  EXPECT_GE(exited.exited().exit_time_ns(), launched.launched().exec_time_ns());
  EXPECT_LE(exited.exited().exit_time_ns(), absl::GetCurrentTimeNanos());
  // Complete when the exit is told.
  EXPECT_EQ(Log("a", "stdout"), "out\n");
  EXPECT_EQ(Log("a", "stderr"), "err\n");
  absl::StatusOr<OwnedFd> directory = OpenDirectory(TaskDirectory("a"));
  absl::StatusOr<std::string> record = state::ReadRecord(directory->get(), state::kExitRecord);
  ASSERT_THAT(record, IsOk());
  internal::ExitRecord exit;
  ASSERT_TRUE(exit.ParseFromString(*record));
  EXPECT_EQ(exit.exited().wait_status(), exited.exited().wait_status());
}

TEST_F(LauncherProcess, TakesALargePlanFromADescriptor) {
  StartTask("a", absl::StrCat("exit 3 #", std::string(60 * 1024, 'x')), true);
  EXPECT_TRUE(Receive().has_launched());
  EXPECT_EQ(WEXITSTATUS(Receive().exited().wait_status()), 3);
}

TEST_F(LauncherProcess, StopsWithinTheGraceAndKillsAfterIt) {
  StartTask("polite", "trap 'exit 5' TERM; echo ready; while :; do sleep 1000 & wait; done");
  ASSERT_TRUE(Receive().has_launched());
  StartTask("rude", "trap '' TERM; echo ready; while :; do sleep 1000; done");
  ASSERT_TRUE(Receive().has_launched());
  // The exec is done, but only the shell knows when its traps are set.
  while (Log("polite", "stdout").empty() || Log("rude", "stdout").empty()) sched_yield();
  StopTask("rude", 1);
  LauncherEvent rude = Receive();
  EXPECT_EQ(WTERMSIG(rude.exited().wait_status()), SIGKILL);
  EXPECT_TRUE(rude.exited().killed_after_grace());
  StopTask("polite", 600000);
  LauncherEvent polite = Receive();
  EXPECT_EQ(WEXITSTATUS(polite.exited().wait_status()), 5);
  EXPECT_FALSE(polite.exited().killed_after_grace());
}

TEST_F(LauncherProcess, StopOfAStartingTaskIsNotLost) {
  StartTask("a", "sleep 1000");
  StopTask("a", 0);
  LauncherEvent event = Receive();
  if (event.has_launched()) event = Receive();
  EXPECT_EQ(WTERMSIG(event.exited().wait_status()), SIGKILL);
}

TEST_F(LauncherProcess, TheExitTimeIsAfterWhatThePayloadDid) {
  StartTask("a", "date +%s%N");
  ASSERT_TRUE(Receive().has_launched());
  const LauncherEvent exited = Receive();
  int64_t last = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Log("a", "stdout"), &last));
  EXPECT_GE(exited.exited().exit_time_ns(), last);
  EXPECT_LE(exited.exited().exit_time_ns(), absl::GetCurrentTimeNanos());
}

TEST_F(LauncherProcess, SignalsThePayloadAndSaysWhenThereIsNone) {
  StartTask("a", "kill -STOP $$; exit 4");
  ASSERT_TRUE(Receive().has_launched());
  LauncherRequest request;
  request.mutable_signal()->set_call_id(9);
  request.mutable_signal()->set_task_id("a");
  request.mutable_signal()->set_signal(SIGKILL);
  Send(request);
  LauncherEvent result = Receive();
  EXPECT_EQ(result.signal_result().call_id(), 9u);
  EXPECT_EQ(result.signal_result().error_number(), 0);
  EXPECT_EQ(WTERMSIG(Receive().exited().wait_status()), SIGKILL);
  Send(request);
  EXPECT_EQ(Receive().signal_result().error_number(), ESRCH);
}

TEST_F(LauncherProcess, TellsTheNextControllerWhatHappenedMeanwhile) {
  StartTask("lives", "sleep 1000");
  ASSERT_TRUE(Receive().has_launched());
  StartTask("ends", "exit 6");
  ASSERT_TRUE(Receive().has_launched());
  controller_.reset();
  // The exit record tells that it has ended while nobody was there.
  const std::string record = absl::StrCat(TaskDirectory("ends"), "/exit");
  while (access(record.c_str(), F_OK) != 0) sched_yield();
  controller_ = Connect();
  LauncherRequest request;
  request.mutable_inventory();
  Send(request);
  LauncherEvent ended = Receive();
  EXPECT_EQ(ended.exited().task_id(), "ends");
  EXPECT_EQ(WEXITSTATUS(ended.exited().wait_status()), 6);
  LauncherEvent inventory = Receive();
  ASSERT_EQ(inventory.inventory().entries_size(), 2);
  EXPECT_FALSE(inventory.inventory().more());
}

TEST_F(LauncherProcess, SecondControllerIsTurnedAwayWhileTheFirstLives) {
  LauncherRequest hello;
  hello.mutable_hello();
  Send(hello);
  ASSERT_TRUE(Receive().has_hello());
  OwnedFd second = Connect();
  // Closed without an answer.
  EXPECT_THAT(ReceivePacket(second.get()), StatusIs(absl::StatusCode::kOutOfRange));
  Send(hello);
  EXPECT_TRUE(Receive().has_hello());
}

TEST_F(LauncherProcess, ControllerOfAnotherUserIsTurnedAway) {
  controller_.reset();
  ASSERT_EQ(chmod(socket_.c_str(), 0666), 0);
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  absl::StatusOr<SpawnedProcess> stranger =
      Spawn({{"/usr/bin/python3", "-c",
              absl::StrCat("import os,socket\nos.setuid(65534)\n"
                           "s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\ns.connect('",
                           socket_, "')\nos._exit(42 if s.recv(1)==b'' else 1)")},
             {},
             {},
             false});
  ASSERT_THAT(stranger, IsOk());
  absl::StatusOr<int> status = stranger->pidfd.WaitAndReap();
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(WEXITSTATUS(*status), 42);
}

TEST_F(LauncherProcess, RetiresWithItsLastTask) {
  StartTask("a", "sleep 1000");
  ASSERT_TRUE(Receive().has_launched());
  LauncherRequest request;
  request.mutable_retire();
  Send(request);
  StopTask("a", 0);
  ASSERT_TRUE(Receive().has_exited());
  EXPECT_FALSE(launcher_.pidfd.HasEnded());
  request.mutable_forget()->set_task_id("a");
  Send(request);
  EXPECT_TRUE(launcher_.pidfd.AwaitEnd(-1));
}

TEST_F(LauncherProcess, ItsDeathTakesItsTasksAlong) {
  StartTask("a", "sleep 1000 & sleep 1000");
  LauncherEvent launched = Receive();
  ASSERT_TRUE(launched.has_launched());
  absl::StatusOr<PidFd> init = PidFd::Open(launched.launched().pid());
  ASSERT_THAT(init, IsOk());
  ASSERT_THAT(launcher_.pidfd.Signal(SIGKILL), IsOk());
  EXPECT_TRUE(init->AwaitEnd(-1));
}

TEST_F(LauncherProcess, OutputSurvivesAWriterThatPassesItOn) {
  // A daemon in a session of its own, which holds the pipe, dies with the task's namespace.
  StartTask("a", "setsid sleep 1000 & echo done");
  ASSERT_TRUE(Receive().has_launched());
  EXPECT_EQ(WEXITSTATUS(Receive().exited().wait_status()), 0);
  EXPECT_EQ(Log("a", "stdout"), "done\n");
}

}  // namespace
}  // namespace cloister
