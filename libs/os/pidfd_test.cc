#include "libs/os/pidfd.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/os/spawn.h"

namespace cloister {
namespace {

SpawnedProcess Start(const std::string& script) {
  absl::StatusOr<SpawnedProcess> process = Spawn({{"/bin/sh", "-c", script}, {}, {}, false});
  EXPECT_THAT(process, IsOk());
  return *std::move(process);
}

TEST(PidFd, ReapsExitCode) {
  SpawnedProcess process = Start("exit 7");
  absl::StatusOr<int> status = process.pidfd.WaitAndReap();
  ASSERT_THAT(status, IsOk());
  EXPECT_TRUE(WIFEXITED(*status));
  EXPECT_EQ(WEXITSTATUS(*status), 7);
}

TEST(PidFd, ReportsSignalThatKilled) {
  SpawnedProcess process = Start("exec sleep 1000");
  EXPECT_FALSE(process.pidfd.HasEnded());
  ASSERT_THAT(process.pidfd.Signal(SIGKILL), IsOk());
  absl::StatusOr<int> status = process.pidfd.WaitAndReap();
  ASSERT_THAT(status, IsOk());
  EXPECT_TRUE(WIFSIGNALED(*status));
  EXPECT_EQ(WTERMSIG(*status), SIGKILL);
}

TEST(PidFd, ReapOfARunningChildIsEmpty) {
  SpawnedProcess process = Start("exec sleep 1000");
  absl::StatusOr<absl::optional<int>> status = process.pidfd.Reap();
  ASSERT_THAT(status, IsOk());
  EXPECT_FALSE(status->has_value());
  ASSERT_THAT(process.pidfd.Signal(SIGKILL), IsOk());
  EXPECT_TRUE(process.pidfd.AwaitEnd(-1));
  EXPECT_THAT(process.pidfd.WaitAndReap(), IsOk());
  EXPECT_THAT(process.pidfd.Signal(SIGTERM), StatusIs(absl::StatusCode::kNotFound));
}

TEST(PidFd, RecordedProcessIsRefusedWhenStartTimeDiffers) {
  absl::StatusOr<uint64_t> start = ProcessStartTime(getpid());
  ASSERT_THAT(start, IsOk());
  EXPECT_THAT(PidFd::OpenRecorded(getpid(), *start), IsOk());
  EXPECT_THAT(PidFd::OpenRecorded(getpid(), *start + 1), StatusIs(absl::StatusCode::kNotFound));
}

TEST(Spawn, GivesOnlyTheListedDescriptorsAndEnvironment) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  OwnedFd reader(fds[0]);
  OwnedFd writer(fds[1]);
  absl::StatusOr<SpawnedProcess> process =
      Spawn({{"/bin/sh", "-c", "echo \"$A:$HOME\" >&3"}, {"A=1"}, {{writer.get(), 3}}, true});
  ASSERT_THAT(process, IsOk());
  writer.reset();
  char text[64];
  const ssize_t size = read(reader.get(), text, sizeof(text));
  EXPECT_EQ(std::string(text, static_cast<size_t>(size)), "1:\n");
  EXPECT_THAT(process->pidfd.WaitAndReap(), IsOk());
}

TEST(Spawn, NamesTheProgramThatIsNotThere) {
  EXPECT_THAT(Spawn({{"/nope"}, {}, {}, false}), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace cloister
