// How many system calls each wall of the fence makes of a start: a number that is the same on every
// machine, so it can be held to; time is launch_ingredients' affair.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"
#include "libs/state/tree_removal.h"
#include "tests/bench/launch_variants.h"

namespace cloister::bench {
namespace {

// The median, as waiting takes one call more or less.
std::map<std::string, int64_t> CountCalls(VariantLauncher* launcher) {
  constexpr int kRounds = 15;
  std::map<std::string, std::vector<int64_t>> counted;
  for (int round = -1; round < kRounds; ++round) {
    for (const LaunchVariant& variant : LaunchVariants()) {
      const absl::StatusOr<LaunchSample> sample =
          round < 0 ? launcher->Launch(variant) : launcher->LaunchAndCount(variant);
      EXPECT_THAT(sample, IsOk()) << variant.name;
      if (sample.ok() && round >= 0) counted[variant.name].push_back(sample->calls);
    }
  }
  std::map<std::string, int64_t> medians;
  for (auto& [name, values] : counted) {
    std::sort(values.begin(), values.end());
    medians[name] = values[values.size() / 2];
  }
  return medians;
}

TEST(LaunchCalls, AreFewForEachWall) {
  close_range(3, ~0U, 0);
  std::string directory = "/dev/shm/cloister-calls-XXXXXX";
  ASSERT_NE(mkdtemp(&directory[0]), nullptr);
  auto launcher = VariantLauncher::Make(directory);
  ASSERT_THAT(launcher, IsOk());
  std::map<std::string, int64_t> calls = CountCalls(launcher->get());
  const int64_t all = calls["all"];
  ASSERT_GT(all, 0) << "calls cannot be counted here";
  std::printf("%s\n", (*launcher)->Describe().c_str());
  for (const auto& [name, count] : calls) {
    std::printf("%-24s %4ld calls, %4ld less\n", name.c_str(), static_cast<long>(count),
                static_cast<long>(all - count));
  }
  // One of the task, two with the exec of a payload that is refused a call. Waiting: one more or
  // less.
  EXPECT_LE(all - calls["without seccomp"], 2);
  // Each at most a bind and a remount.
  EXPECT_LE(all - calls["without masks"], 2 * 8 + 1);
  // The ruleset, what is made of it, and for each of its rules: open, add, close.
  EXPECT_LE(all - calls["without landlock"], 3 * 9 + 4);
  // The same, whether in one part or in two.
  EXPECT_LE(std::abs(all - calls["seccomp in one program"]), 1);
  EXPECT_LE(all - calls["without init"], 20);
  // Entering the namespace, and dropping what it brings of the bounding set, one capability a call.
  EXPECT_LE(calls["with ids of its own"] - all, 41 + 8);
  // Its threads never end.
  static_cast<void>(launcher->release());
  std::fflush(stdout);
  const absl::StatusOr<OwnedFd> opened = OpenDirectory(directory);
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(state::RemoveContents(opened->get(), directory, ""), IsOk());
  EXPECT_EQ(rmdir(directory.c_str()), 0);
}

}  // namespace
}  // namespace cloister::bench
