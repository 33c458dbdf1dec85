#include "tests/attack/attack_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/attack/call_refusal.h"
#include "tests/attack/effort.h"
#include "tests/attack/flipper.h"
#include "tests/testing/task_request.h"

namespace cloister {
namespace {

std::string MakeOpenDirectory(const std::string& path) {
  EXPECT_EQ(mkdir(path.c_str(), 0777), 0) << path;
  EXPECT_EQ(chmod(path.c_str(), 0777), 0) << path;
  return path;
}

void RemoveWhatIsIn(const std::string& directory) {
  for (const std::filesystem::directory_entry& entry :
       std::filesystem::directory_iterator(directory)) {
    std::filesystem::remove_all(entry.path());
  }
}

}  // namespace

bool IsRootless() { return getenv("CLOISTER_ATTACK_ROOTLESS") != nullptr; }

bool HasIdRange() {
  return IsRootless() && absl::string_view(getenv("CLOISTER_ATTACK_ROOTLESS")) == "range";
}

bool HasLimits() { return !IsRootless() || getenv(kLimited) != nullptr; }

std::vector<Cell> Cells() {
  if (HasIdRange()) {
    return {{"RootlessNobody", "nobody", false},
            {"RootlessNobodyOfItsOwnIds", "nobody", true},
            {"RootlessRootOfItsOwnIds", "root", true}};
  }
  if (IsRootless()) return {{"Rootless", "", false}};
  std::vector<Cell> cells = {{"Nobody", "nobody", false}, {"Uid0", "root", false}};
  // What a task with ids of its own mounts of the node is id-mapped: by mount_setattr, and of a
  // tmpfs, which is all that the guest has without a disk, since Linux 6.3.
  const bool only_tmpfs =
      getenv("CLOISTER_TEST_GUEST") != nullptr && getenv("CLOISTER_TEST_DISK") == nullptr;
  if (!IsRefused("mount_setattr") && !only_tmpfs) {
    cells.push_back({"NobodyOfItsOwnIds", "nobody", true});
    cells.push_back({"RootOfItsOwnIds", "root", true});
  }
  return cells;
}

std::string CellName(const testing::TestParamInfo<Cell>& info) { return info.param.name; }

LocalClusterOptions AttackTest::Options() {
  const std::string base = absl::StrCat(getenv("TEST_TMPDIR"), "/");
  if (SharesItsCluster()) {
    const char* const suite = testing::UnitTest::GetInstance()->current_test_suite()->name();
    directory_ = absl::StrCat(base, absl::StrReplaceAll(suite, {{"/", "-"}}));
  } else {
    directory_ = absl::StrCat(base, RandomId().substr(0, 8));
  }
  data_ = absl::StrCat(directory_, "/data");
  // Of a test before, with the same cluster: the volume is the same directory, and empty.
  if (access(directory_.c_str(), F_OK) == 0) {
    RemoveWhatIsIn(data_);
  } else {
    MakeOpenDirectory(directory_);
    MakeOpenDirectory(data_);
  }
  const std::string file = absl::StrCat(directory_, "/policy.hcl");
  std::ofstream policy(file);
  policy << "host_volume \"data\" { path = \"" << data_ << "\" }\n" << Policy();
  if (!IsRootless()) policy << "allow_uid_0 = true\n";
  LocalClusterOptions options;
  options.executor_flags = {absl::StrCat("--policy=", file)};
  return options;
}

void AttackTest::SetUp() {
  ClusterTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  absl::StatusOr<std::unique_ptr<Canaries>> canaries = Canaries::Plant(
      MakeOpenDirectory(absl::StrCat(directory_, "/canaries-", RandomId().substr(0, 8))),
      HostPayload("attack"));
  ASSERT_THAT(canaries, IsOk());
  canaries_ = *std::move(canaries);
}

void AttackTest::TearDown() {
  if (canaries_ != nullptr) {
    for (const std::string& injury : canaries_->Injuries()) ADD_FAILURE() << injury;
    // The services are there for others.
    EXPECT_THAT(cluster().client().ListTasks({}), IsOk());
    EXPECT_THAT(cluster().executor_client(1).ListTasks({}), IsOk());
  }
  ClusterTest::TearDown();
}

v1::StartTaskRequest AttackTest::Command(const std::vector<std::string>& words) const {
  v1::StartTaskRequest request = TaskRequest(words);
  request.mutable_config()->set_user(GetParam().user);
  if (GetParam().own_ids) ConfigOf(&request)->set_userns("private");
  return request;
}

v1::StartTaskRequest AttackTest::Sh(const std::string& script) const {
  return Command({"/bin/sh", "-c", script});
}

void AttackTest::MountData(const std::string& inside, v1::StartTaskRequest* request) const {
  request->mutable_config()->add_volumes()->set_name("data");
  v1::VolumeMount* mount = request->mutable_config()->add_volume_mounts();
  mount->set_volume("data");
  mount->set_destination(inside);
  mount->set_read_only(HasReadOnlyDirectories());
}

TaskOutcome AttackTest::Run(const v1::StartTaskRequest& request) {
  absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
  EXPECT_THAT(outcome, IsOk());
  if (!outcome.ok()) return TaskOutcome();
  Destroy(outcome->task.id());
  return *std::move(outcome);
}

std::string AttackTest::OutputIfItRuns(const v1::StartTaskRequest& request) {
  absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
  if (!outcome.ok()) return "";
  Destroy(outcome->task.id());
  return outcome->out;
}

std::string AttackTest::StartUntil(const v1::StartTaskRequest& request, const std::string& word) {
  absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
  EXPECT_THAT(task, IsOk());
  if (!task.ok()) return "";
  v1::ReadLogsRequest logs;
  logs.set_task_id(task->id());
  logs.set_stream(v1::LOG_STREAM_STDOUT);
  logs.set_follow(true);
  std::string seen;
  const auto look = [&](absl::string_view piece) {
    absl::StrAppend(&seen, piece);
    return absl::StrContains(seen, word) ? absl::CancelledError("seen") : absl::OkStatus();
  };
  cluster().client().ReadLogs(logs, look).IgnoreError();
  if (!absl::StrContains(seen, word)) {
    const absl::StatusOr<std::string> err = cluster().ReadAll(task->id(), v1::LOG_STREAM_STDERR);
    EXPECT_THAT(seen, testing::HasSubstr(word)) << (err.ok() ? *err : "");
  }
  return task->id();
}

void AttackTest::Destroy(const std::string& id) { EXPECT_THAT(cluster().Destroy(id), IsOk()); }

std::string AttackTest::Await(const std::string& id) {
  EXPECT_THAT(cluster().client().WaitTask(id), IsOk());
  const absl::StatusOr<std::string> text = cluster().ReadAll(id, v1::LOG_STREAM_STDOUT);
  EXPECT_THAT(text, IsOk());
  return text.ok() ? *text : "";
}

void AttackTest::Race(const char* attack, const std::string& one, const std::string& other,
                      long starts, const std::function<void()>& start) {
  Flipper flipper(one, other);
  long started = 0;
  while (flipper.error() == 0 && (flipper.flips() < Flips() || started < starts)) {
    start();
    ++started;
  }
  EXPECT_EQ(flipper.error(), 0);
  ReportEffort(attack, GetParam().name.c_str(), "flips", flipper.flips());
  ReportEffort(attack, GetParam().name.c_str(), "starts", started);
}

std::map<std::string, long> AttackTest::Numbers(const std::string& text) {
  std::map<std::string, long> numbers;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const size_t space = line.rfind(' ');
    long number = 0;
    if (space == absl::string_view::npos || !absl::SimpleAtoi(line.substr(space + 1), &number)) {
      continue;
    }
    numbers[std::string(line.substr(0, space))] = number;
  }
  return numbers;
}

std::string AttackTest::HostPayload(const std::string& name) {
  const std::string payload = getenv("CLOISTER_TEST_PAYLOAD");
  return absl::StrCat(payload.substr(0, payload.rfind('/') + 1), name);
}

}  // namespace cloister
