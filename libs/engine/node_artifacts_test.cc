#include "libs/engine/node_artifacts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/fake_clock.h"
#include "libs/base/status_matchers.h"

namespace cloister::engine {
namespace {

using artifact::FetchJob;
using artifact::FetchReport;
using internal::ArtifactPlan;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kSum[] = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

// What a cell leaves and says, also one that is not ours any more.
class FakeFetcher : public artifact::FetcherClient {
 public:
  using Cell = std::function<absl::StatusOr<FetchReport>(const FetchJob&)>;

  // One for each fetch to come. A null one never ends but by Cancel.
  void Will(Cell cell) { cells_.push_back(std::move(cell)); }
  void AwaitFetches(int count) {
    absl::MutexLock lock(&mutex_);
    const auto reached = [this, count]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return fetches_ >= count; };
    mutex_.Await(absl::Condition(&reached));
  }
  int fetches() const {
    absl::MutexLock lock(&mutex_);
    return fetches_;
  }
  const artifact::FetchRequest& last() const { return last_; }

  uint64_t Fetch(FetchJob job, std::shared_ptr<artifact::FetchListener> listener) override {
    last_ = job.request;
    const Cell cell = std::move(cells_.front());
    cells_.pop_front();
    if (cell != nullptr) {
      listener->OnDone(cell(job));
    } else {
      waiting_ = std::move(listener);
    }
    absl::MutexLock lock(&mutex_);
    ++fetches_;
    return 1;
  }
  void Cancel(uint64_t /*id*/) override {
    if (waiting_ != nullptr) waiting_->OnDone(absl::CancelledError("the fetch was cancelled"));
    waiting_ = nullptr;
  }
  std::vector<std::string> Gaps() const override { return {}; }
  pid_t fetcher_pid() const override { return 0; }

 private:
  std::deque<Cell> cells_;
  artifact::FetchRequest last_;
  std::shared_ptr<artifact::FetchListener> waiting_;
  mutable absl::Mutex mutex_;
  int fetches_ ABSL_GUARDED_BY(mutex_) = 0;
};

void WriteContent(const FetchJob& job, const std::string& name, const std::string& text) {
  mkdirat(job.output.get(), "content", 0755);
  const OwnedFd file(openat(job.output.get(), absl::StrCat("content/", name).c_str(),
                            O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

FetchReport ReportOf(const std::string& name, char digit) {
  FetchReport report;
  report.file_name = name;
  report.sha256 = std::string(64, digit);
  report.bytes = 1;
  return report;
}

// A cell that brings one file.
FakeFetcher::Cell Brings(const std::string& text, char digit, const std::string& etag = "") {
  return [=](const FetchJob& job) {
    WriteContent(job, "f", text);
    FetchReport report = ReportOf("f", digit);
    report.validators.etag = etag;
    return report;
  };
}

class NodeArtifactsTest : public testing::Test {
 protected:
  NodeArtifactsTest() {
    auto cache = artifact::Cache::Open({place_.path() + "/artifacts", "boot", &clock_});
    EXPECT_THAT(cache, IsOk());
    cache_ = *std::move(cache);
    options_.own = geteuid() == 0;
    options_.directory = place_.path() + "/artifacts";
    options_.back_off = absl::ZeroDuration();
    options_.on_trouble = [](const absl::Status& status) { EXPECT_THAT(status, IsOk()); };
  }

  NodeArtifacts& node() {
    if (node_ == nullptr) {
      node_ = std::make_unique<NodeArtifacts>(options_, cache_.get(), &fetcher_);
    }
    return *node_;
  }
  static ArtifactOrder Order(const std::string& task, const std::string& tenant = "t",
                             const std::string& checksum = "") {
    ArtifactOrder order;
    order.plan.set_source("https://h/f");
    if (!checksum.empty()) (*order.plan.mutable_options())["checksum"] = checksum;
    order.tenant = tenant;
    order.task_id = task;
    return order;
  }
  absl::StatusOr<ProvidedArtifact> Provide(const ArtifactOrder& order) {
    Cancellation cancellation;
    return node().Provide(
        order, [](const v1::ArtifactStatus&) {}, cancellation);
  }
  static std::string TextOf(const ProvidedArtifact& provided) {
    const OwnedFd file(
        open(absl::StrCat(provided.fetched.outside, "/f").c_str(), O_RDONLY | O_CLOEXEC));
    char buffer[100];
    const ssize_t size = read(file.get(), buffer, sizeof(buffer));
    return size < 0 ? "" : std::string(buffer, static_cast<size_t>(size));
  }
  void ExpectNothingStaged() { EXPECT_THAT(place_.List("artifacts/staging"), IsEmpty()); }

  artifact::ScratchDirectory place_;
  FakeClock clock_;
  std::unique_ptr<artifact::Cache> cache_;
  FakeFetcher fetcher_;
  NodeArtifactsOptions options_;
  std::unique_ptr<NodeArtifacts> node_;
};

TEST_F(NodeArtifactsTest, OneFetchServesATenantsTasksThatNameTheDigest) {
  fetcher_.Will(Brings("x", '1'));
  const auto first = Provide(Order("a", "t", kSum));
  ASSERT_THAT(first, IsOk());
  EXPECT_FALSE(first->status.cached());
  EXPECT_EQ(first->status.digest(), kSum);
  EXPECT_EQ(TextOf(*first), "x");
  const auto second = node().TryCached(Order("b", "t", kSum));
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(second->status.cached());
  EXPECT_EQ(second->fetched.outside, first->fetched.outside);
  EXPECT_FALSE(node().TryCached(Order("c", "other", kSum)).has_value());
  EXPECT_FALSE(node().TryCached(Order("d", "t")).has_value());
}

TEST_F(NodeArtifactsTest, WhatIsPublicIsServedToWhoNamesItsDigest) {
  constexpr char kOfX[] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
  fetcher_.Will([kOfX](const FetchJob& job) {
    WriteContent(job, "f", "x");
    FetchReport report = ReportOf("f", '0');
    report.sha256 = kOfX;
    return report;
  });
  ArtifactOrder order = Order("a", "t", absl::StrCat("sha256:", kOfX));
  order.plan.set_cache(ArtifactPlan::CACHE_PUBLIC);
  ASSERT_THAT(Provide(order), IsOk());
  EXPECT_TRUE(node().TryCached(Order("b", "other", absl::StrCat("sha256:", kOfX))).has_value());
}

TEST_F(NodeArtifactsTest, EverybodyIsServedOnlyWhatTheExecutorHasHashedItself) {
  // A cell that is not ours any more says another digest than its file has.
  fetcher_.Will(Brings("poison", '1'));
  ArtifactOrder order = Order("a", "t", kSum);
  order.plan.set_cache(ArtifactPlan::CACHE_PUBLIC);
  ASSERT_THAT(Provide(order), IsOk());
  EXPECT_FALSE(node().TryCached(Order("b", "another", kSum)).has_value());
}

TEST_F(NodeArtifactsTest, ADirectoryOfTheNodeIsCopiedWithoutACell) {
  const artifact::ScratchDirectory shared;
  shared.Write("app/f", "x");
  options_.policy.file_sources = {shared.path()};
  ArtifactOrder order = Order("a");
  order.plan.set_source(absl::StrCat("file://", shared.path(), "/app"));
  const auto first = Provide(order);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(fetcher_.fetches(), 0);
  EXPECT_EQ(TextOf(*first), "x");
  EXPECT_THAT(first->status.digest(), testing::StartsWith("tree:"));
  // What has not changed is kept once.
  order.task_id = "b";
  const auto second = Provide(order);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->fetched.outside, first->fetched.outside);
  shared.Write("app/f", "y");
  const auto third = Provide(order);
  ASSERT_THAT(third, IsOk());
  EXPECT_EQ(TextOf(*third), "y");
  ExpectNothingStaged();
}

TEST_F(NodeArtifactsTest, ADirectoryOfTheNodeKeepsToThePolicy) {
  const artifact::ScratchDirectory shared;
  shared.Write("app/f", "x");
  shared.Link("app/out", "/etc/passwd");
  options_.policy.file_sources = {shared.path()};
  ArtifactOrder order = Order("a");
  order.plan.set_source(absl::StrCat("file://", shared.path(), "/app"));
  EXPECT_THAT(Provide(order).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("out")));
  order.plan.set_source(absl::StrCat("file://", shared.path()));
  EXPECT_THAT(Provide(order).status(), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(cache_->List(), IsEmpty());
  ExpectNothingStaged();
}

TEST_F(NodeArtifactsTest, WhoAsksForWhatIsOnItsWayIsToldToAskAgain) {
  fetcher_.Will(nullptr);
  Cancellation first;
  std::thread fetching([&] {
    EXPECT_FALSE(node()
                     .Provide(
                         Order("a"), [](const v1::ArtifactStatus&) {}, first)
                     .ok());
  });
  fetcher_.AwaitFetches(1);
  const auto ask = [this](const std::string& task, Cancellation& cancellation, int* times) {
    return node().ProvideUnlessOther(
        Order(task), [](const v1::ArtifactStatus&) {}, cancellation, [times] { ++*times; });
  };
  Cancellation second;
  Cancellation third;
  int second_times = 0;
  int third_times = 0;
  EXPECT_FALSE(ask("b", second, &second_times).has_value());
  EXPECT_FALSE(ask("c", third, &third_times).has_value());
  second.Cancel();
  EXPECT_EQ(second_times, 1);
  EXPECT_EQ(third_times, 0);
  first.Cancel();
  fetching.join();
  EXPECT_EQ(second_times, 1);
  EXPECT_EQ(third_times, 1);
  fetcher_.Will(Brings("x", '1'));
  const auto provided = ask("c", third, &third_times);
  ASSERT_TRUE(provided.has_value());
  EXPECT_THAT(*provided, IsOk());
  EXPECT_EQ(third_times, 1);
}

TEST_F(NodeArtifactsTest, WhatIsNotToBeKeptGoesWithItsTask) {
  fetcher_.Will(Brings("x", '1'));
  ArtifactOrder order = Order("a", "t", kSum);
  order.plan.set_cache(ArtifactPlan::CACHE_OFF);
  ASSERT_THAT(Provide(order), IsOk());
  EXPECT_FALSE(node().TryCached(Order("b", "t", kSum)).has_value());
  EXPECT_THAT(cache_->List(), SizeIs(1));
  node().Release("a");
  EXPECT_THAT(cache_->List(), IsEmpty());
  ExpectNothingStaged();
}

TEST_F(NodeArtifactsTest, WhatARetryCanHelpIsTriedAgainAndGoesOn) {
  fetcher_.Will(
      [](const FetchJob&) { return artifact::MarkRetryable(absl::UnavailableError("reset")); });
  fetcher_.Will(Brings("x", '1'));
  const auto provided = Provide(Order("a"));
  ASSERT_THAT(provided, IsOk());
  EXPECT_EQ(provided->status.attempts(), 2);
}

TEST_F(NodeArtifactsTest, TheLastAttemptSaysHowManyThereWere) {
  options_.policy.attempts = 2;
  for (int i = 0; i < 2; ++i) {
    fetcher_.Will(
        [](const FetchJob&) { return artifact::MarkRetryable(absl::UnavailableError("reset")); });
  }
  EXPECT_THAT(Provide(Order("a")),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("after 2 attempts: reset")));
  ExpectNothingStaged();
}

TEST_F(NodeArtifactsTest, WhatNoRetryHelpsIsNotTriedAgainAndLeavesNothing) {
  fetcher_.Will([](const FetchJob& job) {
    WriteContent(job, "f", "half");
    return absl::DataLossError("wrong digest");
  });
  EXPECT_THAT(Provide(Order("a")), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(fetcher_.fetches(), 1);
  EXPECT_THAT(cache_->List(), IsEmpty());
  ExpectNothingStaged();
}

TEST_F(NodeArtifactsTest, WhoAsksTogetherIsServedByOneFetchAndACancelledOneLeavesTheOthers) {
  fetcher_.Will(nullptr);
  fetcher_.Will(Brings("x", '1'));
  Cancellation cancel_first;
  absl::StatusOr<ProvidedArtifact> first = absl::UnknownError("");
  std::thread one([&] {
    first = node().Provide(
        Order("a", "t", kSum), [](const v1::ArtifactStatus&) {}, cancel_first);
  });
  fetcher_.AwaitFetches(1);
  absl::StatusOr<ProvidedArtifact> second = absl::UnknownError("");
  std::thread two([&] { second = Provide(Order("b", "t", kSum)); });
  cancel_first.Cancel();
  one.join();
  two.join();
  EXPECT_THAT(first, StatusIs(absl::StatusCode::kCancelled));
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(TextOf(*second), "x");
}

TEST_F(NodeArtifactsTest, TheServerIsAskedWhetherItStillIsWhatItWas) {
  fetcher_.Will(Brings("x", '1', "\"v1\""));
  ASSERT_THAT(Provide(Order("a")), IsOk());
  fetcher_.Will([](const FetchJob& job) {
    EXPECT_EQ(job.request.if_changed.etag, "\"v1\"");
    FetchReport report;
    report.not_modified = true;
    return report;
  });
  const auto second = Provide(Order("b"));
  ASSERT_THAT(second, IsOk());
  EXPECT_TRUE(second->status.cached());
  EXPECT_EQ(TextOf(*second), "x");
  // Nobody else's.
  fetcher_.Will([](const FetchJob& job) {
    EXPECT_TRUE(job.request.if_changed.empty());
    return absl::NotFoundError("404");
  });
  EXPECT_THAT(Provide(Order("c", "other")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(NodeArtifactsTest, WhatWasAskedForAndHasChangedIsHeldByNobody) {
  fetcher_.Will(Brings("x", '1', "\"v1\""));
  ASSERT_THAT(Provide(Order("a")), IsOk());
  node().Release("a");
  fetcher_.Will(Brings("y", '2', "\"v2\""));
  ASSERT_THAT(Provide(Order("b")), IsOk());
  fetcher_.Will([](const FetchJob&) { return absl::NotFoundError("404"); });
  EXPECT_THAT(Provide(Order("c")), StatusIs(absl::StatusCode::kNotFound));
  node().Release("b");
  node().Release("c");
  ASSERT_THAT(cache_->Prune(), IsOk());
  EXPECT_THAT(cache_->List(), IsEmpty());
}

TEST_F(NodeArtifactsTest, HeadersAreOfWhatIsAsked) {
  fetcher_.Will(Brings("x", '1', "\"v1\""));
  ArtifactOrder order = Order("a");
  (*order.plan.mutable_headers())["Accept"] = "a/b";
  ASSERT_THAT(Provide(order), IsOk());
  EXPECT_THAT(fetcher_.last().headers, testing::ElementsAre(testing::Pair("Accept", "a/b")));
  fetcher_.Will([](const FetchJob& job) {
    EXPECT_TRUE(job.request.if_changed.empty());
    return absl::NotFoundError("404");
  });
  EXPECT_FALSE(Provide(Order("b")).ok());
}

// A cell is believed to be anybody's: the name that it gives its file goes nowhere.
TEST_F(NodeArtifactsTest, TheNameThatACellReportsChangesNoOtherFile) {
  place_.Write("outside", "secret", 0600);
  for (const std::string& name : {std::string("../../../../outside"), place_.path() + "/outside",
                                  std::string("content"), std::string()}) {
    fetcher_.Will([name](const FetchJob& job) {
      WriteContent(job, "f", "x");
      return ReportOf(name, '1');
    });
    const auto provided = Provide(Order("a"));
    struct stat facts;
    ASSERT_EQ(stat((place_.path() + "/outside").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0600U) << name;
  }
}

TEST_F(NodeArtifactsTest, AFileThatIsNoneIsRefused) {
  const auto report_a_file = [](const FetchJob&) { return ReportOf("f", '1'); };
  const std::vector<std::function<void(int)>> lies = {
      [](int content) { ASSERT_EQ(symlinkat("g", content, "f"), 0); },
      [](int content) { ASSERT_EQ(mkdirat(content, "f", 0755), 0); },
      [](int content) { ASSERT_EQ(mknodat(content, "f", S_IFIFO | 0644, 0), 0); },
      [](int) {},
  };
  for (size_t i = 0; i < lies.size(); ++i) {
    fetcher_.Will([&](const FetchJob& job) {
      EXPECT_EQ(mkdirat(job.output.get(), "content", 0755), 0);
      const OwnedFd content(openat(job.output.get(), "content", O_RDONLY | O_CLOEXEC));
      lies[i](content.get());
      return report_a_file(job);
    });
    EXPECT_FALSE(Provide(Order("a")).ok()) << i;
    ExpectNothingStaged();
  }
}

TEST_F(NodeArtifactsTest, ContentThatIsALinkIsNotFollowed) {
  place_.Write("outside/f", "secret", 0600);
  const std::string target = place_.path() + "/outside";
  fetcher_.Will([&](const FetchJob& job) {
    EXPECT_EQ(symlinkat(target.c_str(), job.output.get(), "content"), 0);
    return ReportOf("f", '1');
  });
  EXPECT_FALSE(Provide(Order("a")).ok());
  EXPECT_EQ(place_.Read("outside/f"), "secret");
  ExpectNothingStaged();
}

TEST_F(NodeArtifactsTest, ADigestThatWasNotAskedForIsRefused) {
  fetcher_.Will(Brings("x", '2'));
  EXPECT_THAT(Provide(Order("a", "t", kSum)), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(cache_->List(), IsEmpty());
}

TEST_F(NodeArtifactsTest, ATreeOverTheNodesLimitIsRefusedWhateverTheCellSays) {
  options_.policy.unpack.files = 2;
  options_.policy.unpack.bytes = 100;
  fetcher_.Will([](const FetchJob& job) {
    for (const char* name : {"1", "2", "3"}) WriteContent(job, name, "x");
    FetchReport report = ReportOf("", '1');
    report.is_tree = true;
    return report;
  });
  EXPECT_THAT(Provide(Order("a")), StatusIs(absl::StatusCode::kResourceExhausted));
  fetcher_.Will([](const FetchJob& job) {
    WriteContent(job, "1", std::string(101, 'x'));
    FetchReport report = ReportOf("", '1');
    report.is_tree = true;
    return report;
  });
  EXPECT_THAT(Provide(Order("a")), StatusIs(absl::StatusCode::kResourceExhausted));
  ExpectNothingStaged();
}

TEST_F(NodeArtifactsTest, WhatARestartedExecutorFindsMountedIsHeldAgain) {
  fetcher_.Will(Brings("x", '1'));
  const auto provided = Provide(Order("a", "t", kSum));
  ASSERT_THAT(provided, IsOk());
  auto cache = artifact::Cache::Open({place_.path() + "/artifacts", "boot", &clock_});
  ASSERT_THAT(cache, IsOk());
  NodeArtifacts again(options_, cache->get(), &fetcher_);
  internal::LaunchPlan plan;
  internal::Mount* mount = plan.add_mounts();
  mount->set_kind(internal::Mount::KIND_CACHED);
  mount->set_outside(provided->fetched.outside + "/f");
  again.Recover("a", plan);
  ASSERT_THAT((*cache)->Prune(), IsOk());
  EXPECT_THAT((*cache)->List(), SizeIs(1));
  again.Release("a");
  ASSERT_THAT((*cache)->Prune(), IsOk());
  EXPECT_THAT((*cache)->List(), IsEmpty());
}

}  // namespace
}  // namespace cloister::engine
