#include "tools/cloister/dev_processes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

class DevProcessesTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "processesXXXXXX";
    ASSERT_NE(mkdtemp(&directory_[0]), nullptr);
    char* const resolved = realpath(directory_.c_str(), nullptr);
    directory_ = resolved;
    free(resolved);
    log_ = directory_ + "/log";
  }

  // A shell under a name of ours, that says "ready" into the log and stays; $0 is argv[0].
  SpawnedProcess StartShell(const std::string& name, const std::string& script) {
    const std::string program = directory_ + "/" + name;
    (void)symlink("/bin/sh", program.c_str());
    absl::StatusOr<SpawnedProcess> process = StartDevService({program, "-c", script}, {}, log_);
    EXPECT_THAT(process, IsOk());
    return *std::move(process);
  }

  // Reads a named pipe that the shell writes to, so that the test goes on when the shell is that
  // far.
  std::string AwaitWord(const std::string& path) {
    std::ifstream pipe(path);
    std::string word;
    pipe >> word;
    return word;
  }

  std::string directory_;
  std::string log_;
};

TEST_F(DevProcessesTest, FindsTheClustersProcessesAndNoOthers) {
  const std::string never = directory_ + "/never";
  ASSERT_EQ(mkfifo(never.c_str(), 0600), 0);
  SpawnedProcess ours = StartShell("cloister-executor", "read x < " + never);
  SpawnedProcess other = StartShell("other", "read x < " + never);
  absl::StatusOr<std::vector<DevProcessFound>> found = FindDevProcesses(directory_);
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(*found, ElementsAre(Field(&DevProcessFound::pid, ours.pid)));
  EXPECT_EQ(found->front().program, "cloister-executor");
  EXPECT_THAT(EndDevProcess(ours.pidfd, absl::Seconds(60)), IsOk());
  EXPECT_THAT(EndDevProcess(other.pidfd, absl::Seconds(60)), IsOk());
  found = FindDevProcesses(directory_);
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(*found, IsEmpty());
}

TEST_F(DevProcessesTest, KillsWhatDoesNotEndByItself) {
  const std::string said = directory_ + "/said";
  ASSERT_EQ(mkfifo(said.c_str(), 0600), 0);
  SpawnedProcess process =
      StartShell("cloister-executor", "trap '' TERM; echo ready > " + said +
                                          "; while :; do read x < " + said + "; done");
  ASSERT_EQ(AwaitWord(said), "ready");
  EXPECT_THAT(EndDevProcess(process.pidfd, absl::ZeroDuration()), IsOk());
  EXPECT_TRUE(process.pidfd.HasEnded());
  EXPECT_THAT(EndDevProcess(process.pidfd, absl::ZeroDuration()), IsOk());
}

TEST_F(DevProcessesTest, TellsHowAChildEndedAndWhatItSaid) {
  SpawnedProcess process =
      StartShell("cloister-executor", "for i in 1 2 3; do echo line $i; done; exit 3");
  ASSERT_TRUE(process.pidfd.AwaitEnd(-1));
  EXPECT_EQ(ReapInWords(process.pidfd), "exited with code 3");
  EXPECT_EQ(LastLines(log_, 2), "line 2\nline 3");
  EXPECT_EQ(LastLines(log_ + "none", 2), "");
}

}  // namespace
}  // namespace cloister
