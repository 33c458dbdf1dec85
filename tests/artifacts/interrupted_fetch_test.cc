// Fetches that are cut off: by who asked, by the end of the executor, and by kill -9 of each of the
// fetcher's processes at many offsets. Each time the task ends and says why, or starts right;
// nothing is left; and the same fetch succeeds.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "libs/os/pidfd.h"
#include "tests/artifacts/artifact_fixture.h"
#include "tests/artifacts/holding_server.h"
#include "tests/attack/effort.h"
#include "tests/testing/leftovers.h"
#include "tools/cloister/dev_processes.h"

namespace cloister {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr unsigned kSeed = 20261125;
constexpr size_t kBodySize = 3 << 20;
constexpr int kUnpackedFiles = 800;

std::string RandomBytes(size_t size) {
  std::mt19937 random(kSeed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string NetworkOf(pid_t pid) {
  std::error_code error;
  return fs::read_symlink(absl::StrCat("/proc/", pid, "/ns/net"), error).string();
}

pid_t ParentOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string word; file >> word;) {
    pid_t parent = 0;
    if (word == "PPid:" && file >> parent) return parent;
  }
  return 0;
}

// By their own word: /proc/PID/task/PID/children may miss one while others end.
std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", error)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(process.path().filename().string(), &pid)) continue;
    if (ParentOf(pid) == parent) children.push_back(pid);
  }
  return children;
}

class InterruptedFetchTest : public ArtifactTest {
 protected:
  std::string Policy() override { return absl::StrCat("  attempts = ", attempts_, "\n"); }

  PidFd Fetcher(pid_t* pid = nullptr) {
    auto found = FindDevProcesses(cluster().layout().directory);
    EXPECT_THAT(found, IsOk());
    for (DevProcessFound& process : *found) {
      if (process.program != "cloister-fetcher" || ParentIsFetcher(process.pid, *found)) continue;
      if (pid != nullptr) *pid = process.pid;
      return std::move(process.pidfd);
    }
    return PidFd();
  }
  // A cell has a network of its own, which is empty; a broker has the node's.
  std::vector<pid_t> Cells(bool cells) {
    pid_t fetcher = 0;
    Fetcher(&fetcher);
    std::vector<pid_t> found;
    if (fetcher == 0) return found;
    for (const pid_t child : ChildrenOf(fetcher)) {
      if ((NetworkOf(child) != NetworkOf(fetcher)) == cells) found.push_back(child);
    }
    return found;
  }
  void Kill(const std::string& what) {
    if (what == "zygote") {
      EXPECT_THAT(Fetcher().Signal(SIGKILL), IsOk());
      return;
    }
    for (const pid_t pid : Cells(what == "cell")) {
      auto process = PidFd::Open(pid);
      if (process.ok()) process->Signal(SIGKILL).IgnoreError();
    }
  }

  // Until so many files are unpacked, or the task is past that.
  void AwaitFiles(long files, const std::string& task_id) {
    for (;;) {
      long found = 0;
      std::error_code error;
      for (auto entry =
               fs::recursive_directory_iterator(StateDirectory() + "/artifacts/staging", error);
           !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        ++found;
      }
      if (found >= files) return;
      const auto task = cluster().client().GetTask(task_id);
      if (!task.ok() || task->state() != v1::TASK_STATE_PENDING) return;
    }
  }

  v1::Task Begin(const std::string& script, const std::string& source) {
    v1::StartTaskRequest request = Shell(script);
    Add(&request, source)->set_cache("off");
    request.set_wait(v1::StartTaskRequest::WAIT_ACCEPTED);
    const auto task = cluster().client().StartTask(request);
    EXPECT_THAT(task, IsOk());
    return task.ok() ? *task : v1::Task();
  }
  // It has ended with a clear error, or has run as it should; and nothing of it is left.
  void ExpectClearEnd(const v1::Task& task, const std::string& output) {
    const auto ended = cluster().client().WaitTask(task.id());
    ASSERT_THAT(ended, IsOk());
    if (ended->exit_result().has_start_failure()) {
      ++cut_off_;
      EXPECT_THAT(ended->exit_result().start_failure().message(),
                  AnyOf(HasSubstr("artifacts[0]"), HasSubstr("stopped while")));
    } else {
      EXPECT_THAT(cluster().ReadAll(task.id(), v1::LOG_STREAM_STDOUT), IsOkAndHolds(output));
    }
    EXPECT_THAT(cluster().Destroy(task.id()), IsOk());
    ExpectNothingLeft();
  }
  // Also of the fetcher's processes, once they have ended. What has no command line has ended, and
  // is its parent's to reap: of an executor that was killed, init's.
  void ExpectNothingLeft() {
    EXPECT_THAT(Unfinished(), IsEmpty());
    for (bool fetching = true; fetching;) {
      fetching = false;
      const auto left = FindTaskLeftovers(cluster().layout(), 1);
      ASSERT_THAT(left, IsOk());
      for (const std::string& finding : *left) {
        if (absl::StrContains(finding, "no command line")) continue;
        fetching |= absl::StrContains(finding, "cloister-fetcher");
        ASSERT_THAT(finding, HasSubstr("cloister-fetcher"));
      }
    }
  }
  void ExpectTheSameFetchSucceeds(const std::string& script, const std::string& source,
                                  const std::string& output) {
    v1::StartTaskRequest request = Shell(script);
    Add(&request, source)->set_cache("off");
    EXPECT_EQ(OutputOf(request), output);
  }

  int attempts_ = 1;
  // Tasks that ended by that.
  long cut_off_ = 0;
  HoldingServer holding_{RandomBytes(kBodySize)};
  const std::string digest_ = Sum(holding_.body()).substr(7) + "\n";
  const std::string script_ = "sha256sum </local/body | cut -d' ' -f1";
  const std::string source_ = holding_.Url("/body");

 private:
  static bool ParentIsFetcher(pid_t pid, const std::vector<DevProcessFound>& all) {
    const pid_t parent = ParentOf(pid);
    return std::any_of(all.begin(), all.end(), [parent](const DevProcessFound& other) {
      return other.program == "cloister-fetcher" && other.pid == parent;
    });
  }
};

TEST_F(InterruptedFetchTest, AStopAndADestroyEndIt) {
  holding_.HoldAt(1000);
  const v1::Task stopped = Begin(script_, source_);
  holding_.AwaitHeld();
  v1::StopTaskRequest stop;
  stop.set_request_id(RandomId());
  stop.set_task_id(stopped.id());
  EXPECT_THAT(cluster().client().StopTask(stop), IsOk());
  ExpectClearEnd(stopped, "");
  holding_.LetGo();
  holding_.HoldAt(1000);
  const v1::Task destroyed = Begin(script_, source_);
  holding_.AwaitHeld();
  EXPECT_THAT(cluster().Destroy(destroyed.id()), IsOk());
  ExpectNothingLeft();
  holding_.LetGo();
  ExpectTheSameFetchSucceeds(script_, source_, digest_);
}

TEST_F(InterruptedFetchTest, AnExecutorThatIsKilledIsFollowedByOneThatGoesOn) {
  for (const size_t offset : {size_t{0}, size_t{70'000}, kBodySize - 1}) {
    holding_.HoldAt(offset);
    const v1::Task task = Begin(script_, source_);
    holding_.AwaitHeld();
    ASSERT_THAT(cluster().KillExecutor(1), IsOk());
    holding_.LetGo();
    ASSERT_THAT(cluster().StartExecutor(1), IsOk());
    const auto ended = cluster().client().WaitTask(task.id());
    ASSERT_THAT(ended, IsOk());
    EXPECT_FALSE(ended->exit_result().has_start_failure())
        << ended->exit_result().start_failure().message();
    ExpectClearEnd(task, digest_);
  }
  ExpectTheSameFetchSucceeds(script_, source_, digest_);
}

TEST_F(InterruptedFetchTest, KillsAtRandomOffsetsOfTheDownload) {
  std::mt19937 random(kSeed);
  RecordProperty("seed", kSeed);
  const std::vector<std::string> victims = {"cell", "broker", "zygote"};
  for (long round = 0; round < Effort(24, 600); ++round) {
    const size_t offset = random() % kBodySize;
    const std::string& victim = victims[static_cast<size_t>(round) % victims.size()];
    SCOPED_TRACE(absl::StrCat("seed ", kSeed, ", round ", round, ": ", victim, " at ", offset));
    holding_.HoldAt(offset);
    const v1::Task task = Begin(script_, source_);
    holding_.AwaitHeld();
    Kill(victim);
    holding_.LetGo();
    ExpectClearEnd(task, digest_);
    ExpectTheSameFetchSucceeds(script_, source_, digest_);
    if (HasFailure()) return;
  }
  // A broker has done its part when the connection is made, and a cell may be done before the end
  // of its zygote reaches it.
  EXPECT_GE(cut_off_, Effort(24, 600) / 2);
}

TEST_F(InterruptedFetchTest, KillsAtRandomOffsetsOfTheUnpacking) {
  ASSERT_THAT(
      artifact::RunProgram({"/bin/sh", "-ec",
                            absl::StrCat("cd ", www().path(), "; mkdir tree; cd tree; seq ",
                                         kUnpackedFiles, " | while read n; do echo $n >$n; done")},
                           {"PATH=/usr/bin:/bin"}),
      IsOk());
  Pack("tree", "tree.tar.gz");
  const std::string source = server().Url("/tree.tar.gz");
  const std::string script = "cd /local; ls | wc -l; cat * | wc -l";
  const std::string output = absl::StrCat(kUnpackedFiles, "\n", kUnpackedFiles, "\n");
  std::mt19937 random(kSeed);
  for (long round = 0; round < Effort(9, 300); ++round) {
    const long offset = static_cast<long>(random() % (kUnpackedFiles - 200));
    const std::string victim = round % 2 == 0 ? "cell" : "zygote";
    SCOPED_TRACE(absl::StrCat("seed ", kSeed, ", round ", round, ": ", victim, " at ", offset));
    const v1::Task task = Begin(script, source);
    AwaitFiles(offset, task.id());
    Kill(victim);
    ExpectClearEnd(task, output);
    ExpectTheSameFetchSucceeds(script, source, output);
    if (HasFailure()) return;
  }
  EXPECT_GE(cut_off_, Effort(9, 300) / 2);
}

// Further attempts are for just this.
class RetriedFetchTest : public InterruptedFetchTest {
 protected:
  RetriedFetchTest() { attempts_ = 3; }
};

TEST_F(RetriedFetchTest, WhatAKillCutsOffIsFetchedAgain) {
  for (const std::string victim : {"zygote", "broker"}) {
    holding_.HoldAt(100'000);
    const v1::Task task = Begin(script_, source_);
    holding_.AwaitHeld();
    Kill(victim);
    holding_.LetGo();
    ExpectClearEnd(task, digest_);
  }
}

}  // namespace
}  // namespace cloister
