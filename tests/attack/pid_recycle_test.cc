// pid-recycle-kill (hashicorp/nomad #23969): the pids of a task that ended while nobody looked
// belong to strangers when the executor is back, and no stranger is signalled for the task's sake.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "libs/os/pidfd.h"
#include "libs/os/spawn.h"
#include "tests/attack/effort.h"
#include "tests/testing/cluster_fixture.h"

namespace cloister {
namespace {

// A process of the test's with a pid of its choice, which counts its signals.
struct Stranger {
  pid_t pid = -1;
  PidFd process;
  OwnedFd input;
  OwnedFd output;
};

pid_t ParentOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  std::string line;
  while (std::getline(file, line)) {
    const std::vector<std::string> words = absl::StrSplit(line, '\t');
    pid_t parent = -1;
    if (words.size() == 2 && words[0] == "PPid:" && absl::SimpleAtoi(words[1], &parent)) {
      return parent;
    }
  }
  return -1;
}

class PidRecycle : public ClusterTest {
 protected:
  static Stranger Start() {
    const std::string payload = getenv("CLOISTER_TEST_PAYLOAD");
    int input[2];
    int output[2];
    EXPECT_EQ(pipe2(input, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(output, O_CLOEXEC), 0);
    const OwnedFd reads(input[0]);
    const OwnedFd writes(output[1]);
    Stranger stranger;
    stranger.input = OwnedFd(input[1]);
    stranger.output = OwnedFd(output[0]);
    SpawnOptions options;
    options.argv = {absl::StrCat(payload.substr(0, payload.rfind('/')), "/attack"), "victim"};
    options.fds = {{reads.get(), STDIN_FILENO}, {writes.get(), STDOUT_FILENO}};
    options.new_session = true;
    absl::StatusOr<SpawnedProcess> spawned = Spawn(options);
    EXPECT_THAT(spawned, IsOk());
    if (!spawned.ok()) return stranger;
    stranger.pid = spawned->pid;
    stranger.process = std::move(spawned->pidfd);
    char word[8];
    EXPECT_GT(read(stranger.output.get(), word, sizeof(word)), 0);
    return stranger;
  }

  // Others of this machine start processes, too.
  static Stranger StartAs(pid_t pid) {
    constexpr int kTries = 500;
    for (int i = 0; i < kTries; ++i) {
      std::ofstream("/proc/sys/kernel/ns_last_pid") << pid - 1;
      Stranger stranger = Start();
      if (stranger.pid == pid) return stranger;
      End(std::move(stranger));
    }
    return Stranger();
  }

  static std::string End(Stranger stranger) {
    stranger.input.reset();
    std::string said;
    char piece[64];
    for (ssize_t size; (size = read(stranger.output.get(), piece, sizeof(piece))) > 0;) {
      said.append(piece, static_cast<size_t>(size));
    }
    EXPECT_THAT(stranger.process.WaitAndReap(), IsOk());
    return said;
  }
};

TEST_F(PidRecycle, WhoHasATasksPidNowIsLeftAlone) {
  for (long i = 0; i < Effort(1, 20); ++i) {
    const absl::StatusOr<v1::Task> started = cluster().StartTask({Payload("sleep_forever")});
    ASSERT_THAT(started, IsOk());
    const absl::StatusOr<v1::Task> task = cluster().client().GetTask(started->id());
    ASSERT_THAT(task, IsOk());
    const pid_t payload = static_cast<pid_t>(task->pid());
    std::vector<pid_t> pids = {payload, ParentOf(payload)};
    std::vector<PidFd> processes;
    for (pid_t pid : pids) {
      absl::StatusOr<PidFd> process = PidFd::Open(pid);
      ASSERT_THAT(process, IsOk());
      processes.push_back(*std::move(process));
    }
    ASSERT_THAT(cluster().KillExecutor(1), IsOk());
    ASSERT_THAT(cluster().KillLaunchers(1), IsOk());
    processes[0].AwaitEnd(-1);
    std::vector<Stranger> strangers;
    for (size_t j = 0; j < pids.size(); ++j) {
      // The launcher is gone as the parent: whoever reaps in its place does so at its own time.
      Stranger stranger = StartAs(pids[j]);
      if (stranger.pid == pids[j]) strangers.push_back(std::move(stranger));
    }
    EXPECT_FALSE(strangers.empty());
    ASSERT_THAT(cluster().StartExecutor(1), IsOk());
    v1::StopTaskRequest stop;
    stop.set_request_id(RandomId());
    stop.set_task_id(task->id());
    cluster().client().StopTask(stop).IgnoreError();  // It is LOST.
    EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
    for (Stranger& stranger : strangers) EXPECT_EQ(End(std::move(stranger)), "signals 0\n");
    ReportEffort("pid-recycle", "Nobody", "strangers", static_cast<long>(strangers.size()));
  }
}

}  // namespace
}  // namespace cloister
