#include "libs/rpc/drain_signal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/error_details.h"

namespace cloister::rpc {
namespace {

TEST(DrainSignal, RunsEachListenerOnce) {
  DrainSignal drain;
  int first = 0;
  int second = 0;
  const auto a = drain.Subscribe([&] { ++first; });
  const auto b = drain.Subscribe([&] { ++second; });
  EXPECT_FALSE(drain.draining());
  EXPECT_EQ(first, 0);
  drain.Fire();
  drain.Fire();
  EXPECT_TRUE(drain.draining());
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
}

TEST(DrainSignal, WhoeverSubscribesLaterIsToldAtOnce) {
  DrainSignal drain;
  drain.Fire();
  int runs = 0;
  const auto subscription = drain.Subscribe([&] { ++runs; });
  EXPECT_EQ(runs, 1);
}

TEST(DrainSignal, AnEndedSubscriptionIsNotTold) {
  DrainSignal drain;
  int runs = 0;
  {
    const auto subscription = drain.Subscribe([&] { ++runs; });
  }
  drain.Fire();
  EXPECT_EQ(runs, 0);
}

TEST(DrainSignal, ASubscriptionMayMove) {
  DrainSignal drain;
  int runs = 0;
  DrainSignal::Subscription moved;
  {
    auto subscription = drain.Subscribe([&] { ++runs; });
    moved = std::move(subscription);
  }
  drain.Fire();
  EXPECT_EQ(runs, 1);
}

TEST(DrainSignal, AListenerMayEndItsOwnSubscription) {
  DrainSignal drain;
  auto subscription = std::make_unique<DrainSignal::Subscription>();
  *subscription = drain.Subscribe([&] { subscription.reset(); });
  drain.Fire();
  EXPECT_EQ(subscription, nullptr);
}

TEST(DrainSignal, EndingWaitsForAListenerThatRuns) {
  DrainSignal drain;
  absl::Notification running;
  absl::Notification go_on;
  std::atomic<bool> done{false};
  auto subscription = std::make_unique<DrainSignal::Subscription>(drain.Subscribe([&] {
    running.Notify();
    go_on.WaitForNotification();
    done = true;
  }));
  std::thread firing([&] { drain.Fire(); });
  running.WaitForNotification();
  std::thread ending([&] {
    subscription.reset();
    EXPECT_TRUE(done);
  });
  go_on.Notify();
  firing.join();
  ending.join();
}

TEST(DrainSignal, SubscribingAndEndingWhileItFiresIsSafe) {
  for (int round = 0; round < 20; ++round) {
    DrainSignal drain;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) {
          auto alive = std::make_unique<int>(0);
          const auto subscription = drain.Subscribe([&] { ++*alive; });
        }
      });
    }
    drain.Fire();
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(DrainSignal, RefusalTellsWhenToTryAgain) {
  const absl::Status refusal = DrainSignal::Refusal();
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(GetReason(refusal), "SHUTTING_DOWN");
  EXPECT_TRUE(GetRetryDelay(refusal).has_value());
}

}  // namespace
}  // namespace cloister::rpc
