#include "tools/cloister/artifact_progress.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister {
namespace {

using Status = v1::ArtifactStatus;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

Status Fetching(uint64_t bytes, uint64_t total) {
  Status status;
  status.set_source("https://h/tool");
  status.set_state(Status::STATE_FETCHING);
  status.set_fetched_bytes(bytes);
  status.set_total_bytes(total);
  return status;
}

TEST(ArtifactBar, ShowsShareRateAndWhatIsLeft) {
  EXPECT_EQ(ArtifactBar(Fetching(50 << 20, 100 << 20), 10 << 20, 100),
            "fetching https://h/tool  [##########----------]  50%  10 MiB/s  5s");
}

TEST(ArtifactBar, WithoutATotalItShowsWhatHasCome) {
  EXPECT_EQ(ArtifactBar(Fetching(3 << 20, 0), 1 << 20, 100),
            "fetching https://h/tool  3 MiB  1 MiB/s");
}

TEST(ArtifactBar, ALongSourceKeepsItsEnd) {
  Status status = Fetching(0, 0);
  status.set_source(std::string(500, 'x') + "/the-file");
  const std::string bar = ArtifactBar(status, 0, 60);
  EXPECT_LE(bar.size(), 60u);
  EXPECT_THAT(bar, StartsWith("fetching ..."));
  EXPECT_THAT(bar, EndsWith("/the-file"));
}

TEST(ArtifactBar, WordsOfAServerDoNotDriveTheTerminal) {
  Status status = Fetching(0, 0);
  status.set_source("https://h/\x1b[2J");
  EXPECT_THAT(ArtifactBar(status, 0, 100), HasSubstr("\\x1b[2J"));
}

class ArtifactProgressTest : public testing::Test {
 protected:
  void Show(Status status, absl::Duration now) {
    v1::Task task;
    *task.add_artifacts() = std::move(status);
    progress_->Show(task, now);
  }
  void Begin(bool is_terminal) {
    Terminal terminal;
    terminal.is_terminal = is_terminal;
    progress_ = std::make_unique<ArtifactProgress>(
        terminal, [this](const std::string& text) { written_ += text; });
  }

  std::string written_;
  std::unique_ptr<ArtifactProgress> progress_;
};

TEST_F(ArtifactProgressTest, OnATerminalEachBarIsDrawnOverTheLastOne) {
  Begin(/*is_terminal=*/true);
  Show(Fetching(0, 100 << 20), absl::Seconds(1));
  written_.clear();
  Show(Fetching(20 << 20, 100 << 20), absl::Seconds(3));
  EXPECT_THAT(written_, StartsWith("\x1b[1A\r\x1b[K"));
  EXPECT_THAT(written_, HasSubstr("10 MiB/s  8s"));
}

TEST_F(ArtifactProgressTest, ElsewhereThereIsALineForEachStep) {
  Begin(/*is_terminal=*/false);
  Show(Fetching(0, 100), absl::Seconds(1));
  Show(Fetching(50, 100), absl::Seconds(2));
  Status ready = Fetching(100, 100);
  ready.set_state(Status::STATE_READY);
  ready.set_cached(true);
  Show(ready, absl::Seconds(3));
  EXPECT_EQ(written_,
            "fetching https://h/tool  [--------------------]  0%\nready https://h/tool  cached\n");
}

}  // namespace
}  // namespace cloister
