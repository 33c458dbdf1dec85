#include "tools/cloister/interrupts.h"

#include <signal.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

TEST(Interrupts, AreReadInsteadOfSuffered) {
  absl::StatusOr<Interrupts> interrupts = Interrupts::Block();
  ASSERT_THAT(interrupts, IsOk());
  ASSERT_EQ(raise(SIGINT), 0);
  EXPECT_EQ(interrupts->Await(-1), SIGINT);
  ASSERT_EQ(raise(SIGTERM), 0);
  EXPECT_EQ(interrupts->Await(-1), SIGTERM);
}

TEST(Interrupts, AWakeUpEndsTheWait) {
  absl::StatusOr<Interrupts> interrupts = Interrupts::Block();
  ASSERT_THAT(interrupts, IsOk());
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  OwnedFd reading(ends[0]);
  OwnedFd writing(ends[1]);
  writing.reset();  // End of file makes the other end readable.
  EXPECT_EQ(interrupts->Await(reading.get()), 0);
  ASSERT_EQ(raise(SIGINT), 0);
  EXPECT_EQ(interrupts->Await(reading.get()), SIGINT);
}

}  // namespace
}  // namespace cloister
