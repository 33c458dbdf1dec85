#include "libs/state/exit_syncer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"
#include "libs/state/layout.h"
#include "libs/state/record_file.h"

namespace cloister::state {
namespace {

class ExitSyncerTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "syncXXXXXX";
    ASSERT_NE(mkdtemp(&path_[0]), nullptr);
  }

  OwnedFd Task(const std::string& id) const {
    const std::string path = absl::StrCat(path_, "/", id);
    EXPECT_EQ(mkdir(path.c_str(), 0700), 0);
    return *OpenDirectory(path);
  }

  OwnedFd TaskWithExit(const std::string& id) const {
    OwnedFd directory = Task(id);
    EXPECT_THAT(WriteRecord(directory.get(), kExitRecord, id), IsOk());
    return directory;
  }

  std::string path_;
};

TEST_F(ExitSyncerTest, FlushOfNothingReturns) {
  ExitSyncer syncer;
  EXPECT_THAT(syncer.Flush(), IsOk());
}

TEST_F(ExitSyncerTest, SyncsAllThatSeveralThreadsAdd) {
  ExitSyncer syncer;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, &syncer] {
      for (int i = 0; i < 10; ++i) syncer.Add(TaskWithExit(absl::StrCat("t", t, "-", i)));
      EXPECT_THAT(syncer.Flush(), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ExitSyncerTest, ATaskDestroyedMeanwhileIsNoFailure) {
  ExitSyncer syncer;
  OwnedFd directory = TaskWithExit("gone");
  ASSERT_EQ(unlinkat(directory.get(), kExitRecord, 0), 0);
  ASSERT_EQ(rmdir(absl::StrCat(path_, "/gone").c_str()), 0);
  syncer.Add(std::move(directory));
  EXPECT_THAT(syncer.Flush(), IsOk());
}

TEST_F(ExitSyncerTest, TellsTheFirstFailureOnce) {
  ExitSyncer syncer;
  OwnedFd directory = Task("bad");
  // Not a record file that could be synced: a link is not followed.
  ASSERT_EQ(symlinkat("/etc/passwd", directory.get(), kExitRecord), 0);
  syncer.Add(std::move(directory));
  EXPECT_THAT(syncer.Flush(), StatusIs(::testing::_, ::testing::HasSubstr("bad/exit")));
  EXPECT_THAT(syncer.Flush(), IsOk());
}

TEST_F(ExitSyncerTest, ClosesEveryDescriptorItWasGiven) {
  OwnedFd directory = TaskWithExit("a");
  const int number = directory.get();
  {
    ExitSyncer syncer;
    syncer.Add(std::move(directory));
  }
  EXPECT_EQ(fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace cloister::state
