// EngineTest: an engine on a directory of its own, with launchers that are processes of their own
// and run nothing (fake_launcher.h).
#ifndef CLOISTER_LIBS_ENGINE_TESTING_ENGINE_FIXTURE_H_
#define CLOISTER_LIBS_ENGINE_TESTING_ENGINE_FIXTURE_H_

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "libs/base/clock.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/engine.h"
#include "libs/engine/task_files.h"
#include "libs/engine/testing/fake_planner.h"
#include "libs/engine/testing/temporary_directory.h"
#include "libs/os/pidfd.h"
#include "libs/state/record_file.h"

namespace cloister::engine {

// A value that a callback brings.
template <typename T>
class Later {
 public:
  // Shared, so that a callback that comes after the test is harmless.
  auto callback() {
    return [state = state_](T value) {
      state->value = std::move(value);
      state->done.Notify();
    };
  }
  T& Await() {
    state_->done.WaitForNotification();
    return *state_->value;
  }
  bool came() const { return state_->done.HasBeenNotified(); }

 private:
  struct State {
    absl::Notification done;
    absl::optional<T> value;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    mkdir((directory_ / "launchers").c_str(), 0700);
    mkdir((directory_ / "tasks").c_str(), 0700);
    options_.node_id = "n1";
    options_.capacity = {/*tasks=*/8, /*memory_mib=*/1000};
    LauncherProgram& program = options_.launchers.program;
    program.path =
        absl::StrCat(getenv("TEST_SRCDIR"), "/cloister/libs/engine/testing/fake_launcher_main");
    program.version = "1";
    program.boot_id = "this boot";
    program.run_directory = directory_.path();
    program.slot_prefix = "n1";
    options_.launchers.on_trouble = [](const absl::Status& status) {
      ADD_FAILURE() << "trouble: " << status;
    };
  }

  void TearDown() override {
    engine_.reset();
    KillLaunchers();
  }

  void NewEngine() {
    engine_.reset();
    auto engine =
        Engine::Create(options_, Folder("launchers"), Folder("tasks"), &planner_, &clock_);
    ASSERT_THAT(engine, IsOk());
    engine_ = *std::move(engine);
    ASSERT_THAT(engine_->Recover(), IsOk());
  }

  OwnedFd Folder(const std::string& name) {
    return OwnedFd(open((directory_ / name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  std::vector<std::string> Directories() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "tasks")) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  void KillLaunchers() {
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "launchers")) {
      OwnedFd folder(open(entry.path().c_str(), O_PATH | O_CLOEXEC));
      auto bytes = state::ReadRecord(folder.get(), "record");
      internal::LauncherRecord record;
      if (!bytes.ok() || !record.ParseFromString(*bytes)) continue;
      auto process = PidFd::OpenRecorded(record.pid(), record.start_time_ticks());
      if (!process.ok()) continue;
      process->Signal(SIGKILL).IgnoreError();
      process->AwaitEnd(-1);
    }
  }

  StartCommand Command(const std::string& id, const std::string& command) {
    StartCommand start;
    start.task_id = id;
    start.principal = "uid:0";
    start.request_id = absl::StrCat("request of ", id);
    start.request_digest = command;
    start.config.mutable_config()->set_command(command);
    start.config.mutable_config()->add_args("hello");
    (*start.config.mutable_env())["SECRET"] = "value";
    start.config.mutable_resources()->set_memory(10);
    start.arrival = clock_.Monotonic();
    return start;
  }

  Later<absl::StatusOr<TaskSnapshot>> BeginStart(StartCommand command) {
    Later<absl::StatusOr<TaskSnapshot>> later;
    engine_->Start(std::move(command), later.callback());
    return later;
  }
  absl::StatusOr<TaskSnapshot> Start(StartCommand command) {
    return BeginStart(std::move(command)).Await();
  }
  absl::StatusOr<TaskSnapshot> Start(const std::string& id, const std::string& command) {
    return Start(Command(id, command));
  }
  absl::StatusOr<TaskSnapshot> StartAccepted(const std::string& id, const std::string& command) {
    StartCommand start = Command(id, command);
    start.wait_accepted = true;
    return Start(std::move(start));
  }

  TaskSnapshot Wait(const std::string& id) {
    Later<TaskSnapshot> later;
    EXPECT_THAT(engine_->Wait(id, later.callback()), IsOk());
    return later.Await();
  }
  absl::Status Destroy(const std::string& id, bool force = false) {
    Later<absl::Status> later;
    engine_->Destroy(id, force, later.callback());
    return later.Await();
  }
  absl::Status Signal(const std::string& id, int signal) {
    Later<absl::Status> later;
    engine_->Signal(id, signal, later.callback());
    return later.Await();
  }

  // What an executor that died left of a task.
  void Leave(const internal::IntentRecord& intent) {
    TaskFiles files(Folder("tasks"));
    ASSERT_THAT(files.Create(intent), IsOk());
  }
  internal::IntentRecord Intent(const std::string& id) {
    internal::IntentRecord intent;
    intent.set_task_id(id);
    intent.set_request_digest("/run");
    intent.set_boot_id("this boot");
    intent.set_launcher("77");
    intent.set_memory_mib(10);
    intent.mutable_config()->mutable_config()->set_command("/run");
    return intent;
  }

  TemporaryDirectory directory_;
  EngineOptions options_;
  FakePlanner planner_;
  RealClock clock_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TESTING_ENGINE_FIXTURE_H_
