// The engine where descriptors run out: a start that fails for want of them is told at once, and
// leaves nothing once there are some again.
#include <fcntl.h>
#include <sys/resource.h>

#include <string>

#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/testing/engine_fixture.h"

namespace cloister::engine {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Shortage : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    getrlimit(RLIMIT_NOFILE, &before_);
    options_.launchers.on_trouble = [this](const absl::Status& status) {
      absl::MutexLock lock(&mutex_);
      troubles_ += IsShortage(status);
    };
  }
  void TearDown() override {
    GiveBack();
    EngineTest::TearDown();
  }

  // This process has no descriptors but those that are open, and `spare` more.
  void RunOut(rlim_t spare) {
    const OwnedFd lowest(open("/", O_PATH | O_CLOEXEC));
    const rlimit few = {static_cast<rlim_t>(lowest.get()) + spare, before_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  void GiveBack() { setrlimit(RLIMIT_NOFILE, &before_); }

  void AwaitTrouble() {
    absl::MutexLock lock(&mutex_);
    const auto some = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return troubles_ > 0; };
    mutex_.Await(absl::Condition(&some));
  }
  int troubles() {
    absl::MutexLock lock(&mutex_);
    return troubles_;
  }

 private:
  rlimit before_;
  absl::Mutex mutex_;
  int troubles_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_F(Shortage, AFailedStartIsToldAtOnceAndLeavesNothing) {
  NewEngine();
  ASSERT_THAT(Start("before", "/run"), IsOk());
  // Enough for the directory, and too few for what is in it and for its removal.
  RunOut(1);
  const auto failed = StatusIs(testing::_, HasSubstr("too many open files"));
  EXPECT_THAT(Start("a", "/run"), failed);
  AwaitTrouble();
  // Nobody is promised what goes.
  EXPECT_THAT(Start("a", "/run"), failed);
  EXPECT_THAT(StartAccepted("a", "/run"), failed);
  EXPECT_THAT(Destroy("a"), failed);
  GiveBack();
  // The removal is under way, so this only waits for it.
  EXPECT_THAT(Destroy("a"), AnyOf(IsOk(), StatusIs(absl::StatusCode::kNotFound)));
  EXPECT_THAT(Directories(), ElementsAre("before"));
  EXPECT_EQ(troubles(), 1);
  EXPECT_THAT(Start("a", "/run"), IsOk());
}

TEST_F(Shortage, AStartThatGetsNoDirectoryLeavesNone) {
  NewEngine();
  ASSERT_THAT(Start("before", "/run"), IsOk());
  RunOut(0);
  EXPECT_THAT(Start("a", "/run"), StatusIs(testing::_, HasSubstr("too many open files")));
  EXPECT_THAT(engine_->Get("a"), StatusIs(absl::StatusCode::kNotFound));
  GiveBack();
  EXPECT_THAT(Directories(), ElementsAre("before"));
  EXPECT_EQ(troubles(), 0);
}

// A destroy that says why it failed is finished all the same.
TEST_F(Shortage, ADestroyIsFinishedWhenThereAreDescriptorsAgain) {
  NewEngine();
  ASSERT_THAT(Start("a", "/exit/7"), IsOk());
  Wait("a");
  RunOut(0);
  EXPECT_THAT(Destroy("a"), StatusIs(testing::_, HasSubstr("too many open files")));
  GiveBack();
  EXPECT_THAT(Destroy("a"), AnyOf(IsOk(), StatusIs(absl::StatusCode::kNotFound)));
  EXPECT_THAT(Directories(), testing::IsEmpty());
}

}  // namespace
}  // namespace cloister::engine
