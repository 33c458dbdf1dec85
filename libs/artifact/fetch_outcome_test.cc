#include "libs/artifact/fetch_outcome.h"

#include <errno.h>
#include <signal.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/fetch_message.h"
#include "libs/artifact/retryable.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::HasSubstr;

internal::FetchDone Done(const absl::Status& status) {
  internal::FetchDone done;
  *done.mutable_status() = StatusToMessage(status);
  done.mutable_report()->set_bytes(5);
  return done;
}

TEST(FetchOutcomeTest, WhatTheCellSaysCountsIfItEndedWell) {
  FetchEnd end;
  end.done = Done(absl::OkStatus());
  ASSERT_THAT(OutcomeOf(end), IsOk());
  EXPECT_EQ(OutcomeOf(end)->bytes, 5);
  end.done = Done(absl::NotFoundError("no such file"));
  EXPECT_THAT(OutcomeOf(end), StatusIs(absl::StatusCode::kNotFound, "no such file"));
}

TEST(FetchOutcomeTest, ACellThatSaysItIsDoneAndGoesOnIsNotBelieved) {
  FetchEnd end;
  end.done = Done(absl::OkStatus());
  end.ended.set_timed_out(true);
  end.ended.set_wait_status(SIGKILL);
  end.time_limit = absl::Seconds(5);
  EXPECT_THAT(OutcomeOf(end), StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("5s")));
}

TEST(FetchOutcomeTest, ACrashNamesItsSignalAndIsNotTriedAgain) {
  FetchEnd end;
  end.ended.set_wait_status(SIGSEGV | 0x80);
  const absl::Status status = OutcomeOf(end).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("SIGSEGV")));
  EXPECT_FALSE(IsRetryable(status));
  end.ended.set_wait_status(42 << 8);
  EXPECT_THAT(OutcomeOf(end), StatusIs(absl::StatusCode::kInternal, HasSubstr("exit code 42")));
}

TEST(FetchOutcomeTest, OneThatWasEndedForWhatItHasMadeSaysSo) {
  FetchEnd end;
  end.over = absl::ResourceExhaustedError("more bytes than its limit output_bytes of 7");
  end.cancelled = true;
  end.ended.set_wait_status(SIGKILL);
  const absl::Status status = OutcomeOf(end).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("output_bytes")));
  EXPECT_FALSE(IsRetryable(status));
  // Whatever it says.
  end.done = Done(absl::OkStatus());
  EXPECT_THAT(OutcomeOf(end), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(FetchOutcomeTest, TheMemoryLimitIsNamed) {
  FetchEnd end;
  end.ended.set_wait_status(SIGKILL);
  end.oom_kills = 1;
  end.memory_limit = 4096;
  EXPECT_THAT(OutcomeOf(end),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("memory limit of 4096")));
}

TEST(FetchOutcomeTest, AFetcherThatDiedCanBeTriedAgain) {
  FetchEnd end;
  end.fetcher_died = true;
  EXPECT_TRUE(IsRetryable(OutcomeOf(end).status()));
  end.cancelled = true;
  EXPECT_THAT(OutcomeOf(end), StatusIs(absl::StatusCode::kCancelled));
}

TEST(FetchOutcomeTest, AStepThatFailedIsNamed) {
  FetchEnd end;
  end.cell_failed.emplace();
  end.cell_failed->set_step(internal::CONFINE_STEP_BOUNDING_SET);
  end.cell_failed->set_error_number(EPERM);
  EXPECT_THAT(OutcomeOf(end),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("cell of this fetch")));
  EXPECT_THAT(OutcomeOf(end), StatusIs(absl::StatusCode::kPermissionDenied,
                                       HasSubstr("(bounding set): operation not permitted")));
  EXPECT_FALSE(IsRetryable(OutcomeOf(end).status()));
}

TEST(FetchOutcomeTest, AShortageCanBeTriedAgain) {
  FetchEnd end;
  end.ended.set_error_number(EAGAIN);
  end.ended.set_detail("clone3");
  EXPECT_TRUE(IsRetryable(OutcomeOf(end).status()));
  end.ended.set_error_number(EPERM);
  EXPECT_FALSE(IsRetryable(OutcomeOf(end).status()));
}

}  // namespace
}  // namespace cloister::artifact
