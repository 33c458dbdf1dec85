#include "tools/cloister/exit_code.h"

#include "gtest/gtest.h"

namespace cloister {
namespace {

v1::ExitResult Exited(int code) {
  v1::ExitResult result;
  result.set_exit_code(code);
  return result;
}

v1::ExitResult Signaled(int signal) {
  v1::ExitResult result;
  result.set_signal(signal);
  return result;
}

TEST(ExitCode, IsTheTasksOwn) {
  EXPECT_EQ(ExitCodeOf(Exited(0)), 0);
  EXPECT_EQ(ExitCodeOf(Exited(7)), 7);
  EXPECT_EQ(ExitCodeOf(Exited(255)), 255);
  EXPECT_EQ(EndingInWords(Exited(7)), "exited with code 7");
}

TEST(ExitCode, OfASignalIs128More) {
  EXPECT_EQ(ExitCodeOf(Signaled(9)), 137);
  EXPECT_EQ(ExitCodeOf(Signaled(15)), 143);
  EXPECT_EQ(EndingInWords(Signaled(9)), "killed by SIGKILL (9)");
}

TEST(ExitCode, OfATaskThatNeverRanIs125) {
  v1::ExitResult result;
  result.mutable_start_failure()->set_message("EXEC '/nope': no such file or directory");
  EXPECT_EQ(ExitCodeOf(result), 125);
  EXPECT_EQ(EndingInWords(result), "not started: EXEC '/nope': no such file or directory");
}

TEST(ExitCode, OfALostTaskIsAFailureOfOurs) {
  v1::ExitResult result;
  result.set_lost_reason("launcher died");
  EXPECT_EQ(ExitCodeOf(result), 1);
  EXPECT_EQ(EndingInWords(result), "lost: launcher died");
}

TEST(ExitCode, WordsTellOutOfMemoryAndPassedGrace) {
  v1::ExitResult result = Signaled(9);
  result.set_oom_killed(true);
  EXPECT_EQ(EndingInWords(result), "killed by SIGKILL (9), out of memory");
  result.set_oom_killed(false);
  result.set_killed_after_grace(true);
  EXPECT_EQ(EndingInWords(result), "killed by SIGKILL (9), after its grace had passed");
}

TEST(ExitCode, OfBadInputIs2WhoeverFoundIt) {
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("x"), kExitNotStarted), 2);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("x"), kExitNotStarted), 125);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("x"), kExitFailure), 1);
  EXPECT_EQ(ExitCodeOf(absl::OkStatus(), kExitFailure), 0);
}

}  // namespace
}  // namespace cloister
