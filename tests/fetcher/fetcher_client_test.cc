// What becomes of a fetch whose cell crashes, hangs, eats or lies, and of those beside it.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/retryable.h"
#include "libs/base/status_matchers.h"
#include "libs/os/pidfd.h"
#include "tests/fetcher/fetcher_fixture.h"

namespace cloister {
namespace {

using testing::HasSubstr;

using FetcherClientTest = FetcherFixture;

TEST_F(FetcherClientTest, AFetchThatEndsIsReported) {
  EXPECT_THAT(Probe("nothing").watch->Await(), IsOk());
  EXPECT_THAT(Probe("fail").watch->Await(), StatusIs(absl::StatusCode::kNotFound, "no such thing"));
}

TEST_F(FetcherClientTest, ACrashIsTheErrorOfThatArtifactAlone) {
  const RunningFetch other = Probe("wait");
  other.watch->AwaitPhase();
  const absl::Status crash = Probe("segv").watch->Await().status();
  EXPECT_THAT(crash, StatusIs(absl::StatusCode::kInternal, HasSubstr("SIGSEGV")));
  EXPECT_FALSE(artifact::IsRetryable(crash));
  EXPECT_THAT(Probe("exit").watch->Await(),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("exit code 42")));
  EXPECT_THAT(Probe("nothing").watch->Await(), IsOk());
  client().Cancel(other.id);
  EXPECT_THAT(other.watch->Await(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(FetcherClientTest, ItsTimeLimitIsNamed) {
  artifact::FetchJob job = ProbeJob("wait", {});
  job.time_limit = absl::Milliseconds(300);
  EXPECT_THAT(Begin(std::move(job)).watch->Await(),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("time limit of 300ms")));
}

TEST_F(FetcherClientTest, SayingThatItIsDoneEndsNothing) {
  artifact::FetchJob job = ProbeJob("lie", {});
  job.time_limit = absl::Milliseconds(300);
  EXPECT_THAT(Begin(std::move(job)).watch->Await(), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(FetcherClientTest, ItsMemoryLimitIsNamed) {
  EXPECT_THAT(Probe("memory").watch->Await(), StatusIs(absl::StatusCode::kResourceExhausted,
                                                       HasSubstr("memory limit of 134217728")));
  EXPECT_THAT(Probe("nothing").watch->Await(), IsOk());
}

TEST_F(FetcherClientTest, ItsAddressSpaceIsLimited) {
  options().address_space_bytes = 100 << 20;
  EXPECT_THAT(Probe("memory").watch->Await(),
              StatusIs(absl::StatusCode::kResourceExhausted, "address space"));
}

TEST_F(FetcherClientTest, ItsFilesAreLimited) {
  options().file_bytes = 5 << 20;
  const RunningFetch fetch = Probe("fill");
  EXPECT_THAT(fetch.watch->Await(), StatusIs(absl::StatusCode::kResourceExhausted, "EFBIG"));
  struct stat status;
  ASSERT_EQ(stat((fetch.directory + "/big").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 5 << 20);
}

TEST_F(FetcherClientTest, ItsFilesAreLimitedTogether) {
  options().output.bytes = 64 << 20;
  const RunningFetch fetch = Probe("fill_files", {{"size", "1048576"}});
  EXPECT_THAT(fetch.watch->Await(), StatusIs(absl::StatusCode::kResourceExhausted,
                                             HasSubstr("output_bytes of 67108864")));
  EXPECT_THAT(Probe("nothing").watch->Await(), IsOk());
}

TEST_F(FetcherClientTest, SoIsTheirNumber) {
  options().output.entries = 1000;
  const RunningFetch fetch = Probe("fill_files", {{"size", "1"}});
  EXPECT_THAT(fetch.watch->Await(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 1000 entries")));
}

TEST_F(FetcherClientTest, WhatHasNoNameAndNoDescriptorIsLimitedToo) {
  options().output = {/*bytes=*/1 << 20, /*entries=*/100, /*written=*/64 << 20};
  const RunningFetch fetch = Probe("fill_files", {{"size", "1048576"}, {"hidden", "1"}});
  EXPECT_THAT(fetch.watch->Await(), StatusIs(absl::StatusCode::kResourceExhausted,
                                             HasSubstr("output_written of 67108864")));
}

TEST_F(FetcherClientTest, OneThatTalksWithoutEndHoldsUpNobody) {
  const RunningFetch talker = Probe("talk");
  EXPECT_THAT(Probe("nothing").watch->Await(), IsOk());
  client().Cancel(talker.id);
  EXPECT_THAT(talker.watch->Await(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(FetcherClientTest, ThirtyTwoRunAtOnceAndFurtherOnesWait) {
  options().at_once = 32;
  std::vector<RunningFetch> fetches;
  for (int i = 0; i < 32; ++i) fetches.push_back(Probe("wait"));
  for (const RunningFetch& fetch : fetches) fetch.watch->AwaitPhase();
  EXPECT_EQ(Children().size(), 64U);
  const RunningFetch waiting = Probe("nothing");
  const RunningFetch unwanted = Probe("nothing");
  client().Cancel(unwanted.id);
  EXPECT_THAT(unwanted.watch->Await(),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("before it began")));
  for (const RunningFetch& fetch : fetches) client().Cancel(fetch.id);
  for (const RunningFetch& fetch : fetches) {
    EXPECT_THAT(fetch.watch->Await(), StatusIs(absl::StatusCode::kCancelled));
  }
  EXPECT_THAT(waiting.watch->Await(), IsOk());
  EXPECT_TRUE(Children().empty());
}

TEST_F(FetcherClientTest, AFetcherThatIsKilledIsStartedAgain) {
  const RunningFetch fetch = Probe("wait");
  fetch.watch->AwaitPhase();
  const pid_t first = client().fetcher_pid();
  std::vector<PidFd> children;
  for (pid_t child : Children()) {
    absl::StatusOr<PidFd> process = PidFd::Open(child);
    ASSERT_THAT(process, IsOk());
    children.push_back(*std::move(process));
  }
  ASSERT_EQ(children.size(), 2U);
  const absl::StatusOr<PidFd> fetcher = PidFd::Open(first);
  ASSERT_THAT(fetcher, IsOk());
  ASSERT_THAT(fetcher->Signal(SIGKILL), IsOk());
  const absl::Status died = fetch.watch->Await().status();
  EXPECT_THAT(died, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(artifact::IsRetryable(died));
  for (const PidFd& child : children) EXPECT_TRUE(child.AwaitEnd(-1));
  EXPECT_THAT(Probe("nothing").watch->Await(), IsOk());
  EXPECT_NE(client().fetcher_pid(), first);
}

TEST_F(FetcherClientTest, TheEndOfTheClientIsTheEndOfItsFetches) {
  options().at_once = 1;
  const RunningFetch running = Probe("wait");
  const RunningFetch waiting = Probe("wait");
  running.watch->AwaitPhase();
  StopClient();
  EXPECT_THAT(running.watch->Await(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(waiting.watch->Await(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(FetcherClientTest, AnOutputThatIsNoneIsAnError) {
  artifact::FetchJob job = ProbeJob("nothing", {});
  auto watch = std::make_shared<FetchWatch>();
  client().Fetch(std::move(job), watch);
  EXPECT_FALSE(watch->Await().ok());
  EXPECT_THAT(Probe("nothing").watch->Await(), IsOk());
}

TEST_F(FetcherClientTest, OptionsThatCannotBeAreRefused) {
  artifact::FetcherOptions wrong = options();
  wrong.id_count = 2;
  wrong.at_once = 2;
  EXPECT_THAT(artifact::FetcherClient::Start(wrong).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("two ids each")));
  wrong = options();
  wrong.id_count = 0;
  EXPECT_THAT(artifact::FetcherClient::Start(wrong).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("root")));
  wrong = options();
  wrong.program = "/bin/true";
  EXPECT_THAT(artifact::FetcherClient::Start(wrong).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("/bin/true")));
}

// Whether the text is anywhere in the memory of a process.
bool HasInMemory(pid_t pid, const std::string& text) {
  std::ifstream maps(absl::StrCat("/proc/", pid, "/maps"));
  std::ifstream memory(absl::StrCat("/proc/", pid, "/mem"), std::ios::binary);
  EXPECT_TRUE(memory.is_open());
  std::string line;
  while (std::getline(maps, line)) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::ByAnyChar("- "));
    uint64_t begin = 0;
    uint64_t end = 0;
    if (!absl::SimpleHexAtoi(fields[0], &begin) || !absl::SimpleHexAtoi(fields[1], &end)) continue;
    if (!absl::StartsWith(fields[2], "rw") || absl::StrContains(line, "[v")) continue;
    std::string piece(end - begin, '\0');
    memory.clear();
    memory.seekg(static_cast<std::streamoff>(begin));
    memory.read(&piece[0], static_cast<std::streamsize>(piece.size()));
    if (absl::StrContains(piece, text)) return true;
  }
  return false;
}

TEST_F(FetcherClientTest, ACredentialIsInItsCellAndNowhereElse) {
  artifact::FetchJob job = ProbeJob("wait", {});
  const std::string secret = "correct-horse-battery-staple-4711";
  job.request.credential.kind = artifact::Credential::Kind::kBearer;
  job.request.credential.secret = secret;
  const RunningFetch fetch = Begin(std::move(job));
  fetch.watch->AwaitPhase();
  const pid_t cell = ChildWith("out");
  const pid_t broker = ChildWith("etc");
  EXPECT_TRUE(HasInMemory(cell, secret)) << "else this test sees nothing";
  EXPECT_FALSE(HasInMemory(broker, secret));
  EXPECT_FALSE(HasInMemory(client().fetcher_pid(), secret));
  for (pid_t process : {cell, broker, client().fetcher_pid()}) {
    for (const char* file : {"cmdline", "environ", "comm", "status"}) {
      EXPECT_THAT(TextOf(absl::StrCat("/proc/", process, "/", file)),
                  testing::Not(HasSubstr(secret)));
    }
  }
  client().Cancel(fetch.id);
  fetch.watch->Await().status().IgnoreError();
}

TEST_F(FetcherClientTest, WhatAnEarlierTryHasLeftBelongsToTheNext) {
  artifact::FetchJob job = ProbeJob("nothing", {});
  RunningFetch fetch;
  fetch.directory = absl::StrCat(directory(), "/resumed");
  ASSERT_EQ(mkdir(fetch.directory.c_str(), 0700), 0);
  std::ofstream(fetch.directory + "/raw") << "begun";
  fetch.watch = std::make_shared<FetchWatch>();
  job.output = OwnedFd(open(fetch.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  client().Fetch(std::move(job), fetch.watch);
  EXPECT_THAT(fetch.watch->Await(), IsOk());
  struct stat status;
  ASSERT_EQ(stat((fetch.directory + "/raw").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, options().first_id);
}

}  // namespace
}  // namespace cloister
