#include "tests/bench/rounds.h"

#include <sys/eventfd.h>

#include <memory>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"

namespace cloister::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Writes down whose turn it was.
class FakeContender : public Contender {
 public:
  FakeContender(std::string name, std::vector<std::string>* order)
      : Contender(std::move(name)), order_(order) {}

  absl::Status StartToExit(int worker) override {
    absl::MutexLock lock(&mutex_);
    if (busy_[worker]) return absl::InternalError("two starts of one worker");
    order_->push_back(name());
    if (fails) return absl::InternalError("broken");
    busy_[worker] = true;
    return absl::OkStatus();
  }
  absl::Status Forget(int worker) override {
    absl::MutexLock lock(&mutex_);
    busy_[worker] = false;
    return absl::OkStatus();
  }

  bool fails = false;

 private:
  absl::Mutex mutex_;
  bool busy_[kWorkers] = {};
  std::vector<std::string>* const order_;
};

class RoundsTest : public ::testing::Test {
 protected:
  RoundsTest() : interrupt_(eventfd(0, EFD_CLOEXEC)), rounds_(interrupt_.get()) {
    for (const char* name : {"a", "b"}) {
      fakes_.push_back(std::make_unique<FakeContender>(name, &order_));
      contenders_.push_back(fakes_.back().get());
    }
  }

  OwnedFd interrupt_;
  Rounds rounds_;
  std::vector<std::string> order_;
  std::vector<std::unique_ptr<FakeContender>> fakes_;
  std::vector<Contender*> contenders_;
};

TEST_F(RoundsTest, GivesEachATurnInEveryRoundAndBeginsWithAnother) {
  const Pattern pattern = {"p", "p", 1, absl::ZeroDuration(), 2, 0};
  const auto measurements = rounds_.Run(contenders_, pattern, 3);
  ASSERT_THAT(measurements, IsOk());
  EXPECT_THAT(order_, ElementsAre("a", "a", "b", "b", "b", "a"));
  EXPECT_THAT((*measurements)[0].times.latencies, SizeIs(3));
  EXPECT_EQ((*measurements)[1].contender, "b");
  EXPECT_EQ((*measurements)[1].pattern, "p");
}

TEST_F(RoundsTest, WarmUpsAreNotCounted) {
  const Pattern pattern = {"p", "p", 1, absl::ZeroDuration(), 2, 3};
  const auto measurements = rounds_.Run(contenders_, pattern, 2);
  ASSERT_THAT(measurements, IsOk());
  EXPECT_THAT(order_, SizeIs(10));
  EXPECT_THAT((*measurements)[0].times.latencies, SizeIs(2));
}

TEST_F(RoundsTest, StartsAtOnceAsManyAsAsked) {
  const auto measurements = rounds_.Run(contenders_, {"p", "p", kWorkers, {}, 50, 0}, 120);
  ASSERT_THAT(measurements, IsOk());
  EXPECT_THAT((*measurements)[0].times.latencies, SizeIs(120));
  EXPECT_THAT((*measurements)[1].times.latencies, SizeIs(120));
  EXPECT_THAT((*measurements)[1].times.afterwards, SizeIs(120));
  EXPECT_GT((*measurements)[1].wall, absl::ZeroDuration());
}

TEST_F(RoundsTest, NamesTheOneThatFailed) {
  fakes_[1]->fails = true;
  for (const Pattern& pattern : Patterns()) {
    EXPECT_THAT(rounds_.Run(contenders_, pattern, 1),
                StatusIs(absl::StatusCode::kInternal, HasSubstr("b: broken")));
  }
}

TEST_F(RoundsTest, EndsWhenInterrupted) {
  ASSERT_EQ(eventfd_write(interrupt_.get(), 1), 0);
  EXPECT_THAT(rounds_.MeasureBackground(absl::Hours(1)), StatusIs(absl::StatusCode::kCancelled));
  for (const Pattern& pattern : Patterns()) {
    EXPECT_THAT(rounds_.Run(contenders_, pattern, 1000),
                StatusIs(absl::StatusCode::kCancelled, "interrupted"));
  }
}

}  // namespace
}  // namespace cloister::bench
