#include "libs/state/state_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"

namespace cloister::state {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class StateLockTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "lockXXXXXX";
    ASSERT_NE(mkdtemp(&path_[0]), nullptr);
    directory_ = *OpenDirectory(path_);
  }
  std::string path_;
  OwnedFd directory_;
};

TEST_F(StateLockTest, SecondHolderIsToldWhoTheFirstIs) {
  absl::StatusOr<StateLock> first = StateLock::Acquire(directory_.get());
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(StateLock::Acquire(directory_.get()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(absl::StrCat("'", path_, "'")),
                             HasSubstr(absl::StrCat("(process ", getpid(), ")")))));
}

TEST_F(StateLockTest, IsFreeOnceTheHolderIsGone) {
  { ASSERT_THAT(StateLock::Acquire(directory_.get()), IsOk()); }
  EXPECT_THAT(StateLock::Acquire(directory_.get()), IsOk());
}

TEST_F(StateLockTest, MovesWithItsOwner) {
  absl::StatusOr<StateLock> first = StateLock::Acquire(directory_.get());
  ASSERT_THAT(first, IsOk());
  const StateLock moved = *std::move(first);
  EXPECT_THAT(StateLock::Acquire(directory_.get()),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(StateLockTest, NamesTheFileThatCannotBeMade) {
  ASSERT_EQ(symlinkat("/etc/passwd", directory_.get(), "lock"), 0);
  EXPECT_THAT(StateLock::Acquire(directory_.get()),
              StatusIs(::testing::_, HasSubstr(absl::StrCat(path_, "/lock: "))));
}

}  // namespace
}  // namespace cloister::state
