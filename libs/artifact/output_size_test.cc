#include "libs/artifact/output_size.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

using testing::HasSubstr;

class OutputSizeTest : public testing::Test {
 protected:
  absl::Status Check(uint64_t bytes, uint64_t entries = 0) {
    return CheckOutputSize(OpenDirectory(directory_.path())->get(), {bytes, entries, 0});
  }
  std::string Path(const std::string& name) const {
    return absl::StrCat(directory_.path(), "/", name);
  }
  static auto Over(const std::string& limit) {
    return StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(limit));
  }

  ScratchDirectory directory_;
};

TEST_F(OutputSizeTest, ThereMayBeNoLimit) {
  directory_.Write("f", "content");
  EXPECT_THAT(Check(0, 0), IsOk());
}

TEST_F(OutputSizeTest, IsTheSumOfAllFilesAtEveryDepth) {
  directory_.Write("a/b/f", std::string(30000, 'x'));
  directory_.Write("a/g", std::string(30000, 'x'));
  EXPECT_THAT(Check(200000), IsOk());
  EXPECT_THAT(Check(50000), Over("output_bytes of 50000"));
}

TEST_F(OutputSizeTest, CountsWhatIsNamed) {
  for (int i = 0; i < 10; ++i) directory_.Write(absl::StrCat("d/f", i), "");
  EXPECT_THAT(Check(0, 11), IsOk());
  EXPECT_THAT(Check(0, 10), Over("more than 10 entries"));
}

TEST_F(OutputSizeTest, AHoleTakesNoRoom) {
  directory_.Write("f", "");
  ASSERT_EQ(truncate(Path("f").c_str(), 1 << 30), 0);
  EXPECT_THAT(Check(1 << 20), IsOk());
}

TEST_F(OutputSizeTest, FollowsNoLinkAndOpensNoPipe) {
  directory_.Write("big", std::string(100000, 'x'));
  ScratchDirectory other;
  ASSERT_EQ(symlink(directory_.path().c_str(), (other.path() + "/link").c_str()), 0);
  ASSERT_EQ(mkfifo((other.path() + "/pipe").c_str(), 0600), 0);
  EXPECT_THAT(CheckOutputSize(OpenDirectory(other.path())->get(), {50000, 3, 0}), IsOk());
}

TEST_F(OutputSizeTest, ATreeWithoutAnEndIsOver) {
  std::string path = directory_.path();
  for (int i = 0; i < 140; ++i) {
    path += "/d";
    ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  }
  EXPECT_THAT(Check(1 << 30), Over("levels deep"));
}

TEST_F(OutputSizeTest, WhatChangesMeanwhileIsNoError) {
  for (int i = 0; i < 50; ++i) directory_.Write(absl::StrCat("d", i, "/f"), "x");
  std::atomic<bool> end = false;
  std::thread changing([&] {
    while (!end) {
      for (int i = 0; i < 50 && !end; ++i) {
        const std::string name = Path(absl::StrCat("d", i));
        rename(name.c_str(), Path("away").c_str());
        symlink("/", name.c_str());
        unlink(name.c_str());
        rename(Path("away").c_str(), name.c_str());
      }
    }
  });
  for (int i = 0; i < 100; ++i) EXPECT_THAT(Check(1 << 20, 1000), IsOk());
  end = true;
  changing.join();
}

TEST_F(OutputSizeTest, WhatIsWrittenIsTheKernelsToCount) {
  // One process: this one.
  directory_.Write("procs", absl::StrCat(getpid(), "\n"));
  const std::string procs = Path("procs");
  EXPECT_THAT(CheckWritten(procs, {0, 0, 0}), IsOk());
  EXPECT_THAT(CheckWritten(procs, {0, 0, uint64_t{1} << 50}), IsOk());
  EXPECT_THAT(CheckWritten(Path("none"), {0, 0, 1}), IsOk());
  EXPECT_THAT(CheckWritten("", {0, 0, 1}), IsOk());
}

}  // namespace
}  // namespace cloister::artifact
