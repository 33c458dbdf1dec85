#include "libs/artifact/output_watch.h"

#include <atomic>
#include <string>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

TEST(OutputWatchTest, TellsOnceWhoIsOver) {
  const ScratchDirectory within;
  const ScratchDirectory grows;
  within.Write("f", "x");
  absl::Notification told;
  std::atomic<int> times = 0;
  absl::Status over;
  OutputWatch watch({100000, 0, 0}, [&](uint64_t id, const absl::Status& status) {
    EXPECT_EQ(id, 2U);
    over = status;
    if (++times == 1) told.Notify();
  });
  watch.Add(1, *OpenDirectory(within.path()), "");
  watch.Add(2, *OpenDirectory(grows.path()), "");
  grows.Write("d/f", std::string(200000, 'x'));
  told.WaitForNotification();
  EXPECT_THAT(over, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(times, 1);
}

TEST(OutputWatchTest, WhoIsRemovedIsNotTold) {
  const ScratchDirectory over;
  over.Write("f", std::string(200000, 'x'));
  absl::Notification told;
  OutputWatch watch({100000, 0, 0}, [&](uint64_t id, const absl::Status&) {
    EXPECT_EQ(id, 2U);
    told.Notify();
  });
  watch.Add(1, *OpenDirectory(over.path()), "");
  watch.Remove(1);
  watch.Remove(7);
  watch.Add(2, *OpenDirectory(over.path()), "");
  told.WaitForNotification();
}

TEST(OutputWatchTest, EndsWithCellsInIt) {
  const ScratchDirectory within;
  OutputWatch watch({100000, 0, 0}, [](uint64_t, const absl::Status&) { ADD_FAILURE(); });
  watch.Add(1, *OpenDirectory(within.path()), "");
}

}  // namespace
}  // namespace cloister::artifact
