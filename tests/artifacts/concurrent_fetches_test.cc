// Two hundred fetches at once with headers and digests of their own, of tasks with several
// artifacts each: every task gets byte for byte what it asked for; and what is told of a fetch on
// its way comes in its order, from the executor and from the frontend.
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/base/status_matchers.h"
#include "tests/artifacts/artifact_fixture.h"
#include "tests/artifacts/holding_server.h"
#include "tools/cloister/client.h"

namespace cloister {
namespace {

using artifact::ScriptedServer;

constexpr int kTasks = 50;
constexpr int kArtifactsOfTask = 4;

// Long enough not to come in one piece; of each header another.
std::string BodyOf(absl::string_view header) {
  std::string body;
  for (int line = 0; line < 2000; ++line) absl::StrAppend(&body, header, " ", line, "\n");
  return body;
}

std::string HeaderOf(const std::string& head) {
  for (absl::string_view line : absl::StrSplit(head, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    if (parts.first == "X-Whose") return std::string(parts.second);
  }
  return "nobody's";
}

class ConcurrentFetchesTest : public ArtifactTest {};

TEST_F(ConcurrentFetchesTest, TwoHundredAreByteExact) {
  // One path for all: what tells them apart is the header alone.
  const ScriptedServer server([](int fd, const std::string& head) {
    const std::string body = BodyOf(HeaderOf(head));
    artifact::SendAll(fd, absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", body.size(),
                                       "\r\nConnection: close\r\n\r\n", body));
  });
  std::vector<std::thread> callers;
  std::vector<std::string> outputs(kTasks);
  for (int task = 0; task < kTasks; ++task) {
    callers.emplace_back([this, task, &server, &outputs] {
      v1::StartTaskRequest request = Shell("cd /local; for n in 0 1 2 3; do sha256sum <$n/a; done");
      for (int n = 0; n < kArtifactsOfTask; ++n) {
        const std::string whose = absl::StrCat("task ", task, " artifact ", n);
        v1::Artifact* artifact = Add(&request, server.Url("/a"));
        // Half of them say what it must be; the others are told apart by their headers alone.
        if (n % 2 == 0) (*artifact->mutable_options())["checksum"] = Sum(BodyOf(whose));
        (*artifact->mutable_headers())["X-Whose"] = whose;
        artifact->set_destination(absl::StrCat("local/", n));
      }
      outputs[static_cast<size_t>(task)] = OutputOf(request);
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (int task = 0; task < kTasks; ++task) {
    std::string expected;
    for (int n = 0; n < kArtifactsOfTask; ++n) {
      const std::string sum = Sum(BodyOf(absl::StrCat("task ", task, " artifact ", n)));
      absl::StrAppend(&expected, sum.substr(sum.find(':') + 1), "  -\n");
    }
    EXPECT_EQ(outputs[static_cast<size_t>(task)], expected) << task;
  }
  EXPECT_EQ(server.requests().size(), static_cast<size_t>(kTasks * kArtifactsOfTask));
}

// Those of one artifact, as a watcher has seen them.
std::vector<v1::ArtifactStatus> Watch(Client& client, const std::string& task_id) {
  std::vector<v1::ArtifactStatus> seen;
  EXPECT_THAT(client.WatchTask(task_id,
                               [&](const v1::Task& task) {
                                 if (task.artifacts_size() == 1) seen.push_back(task.artifacts(0));
                                 return task.state() == v1::TASK_STATE_PENDING;
                               }),
              IsOk());
  return seen;
}

TEST_F(ConcurrentFetchesTest, ProgressComesInOrderFromExecutorAndFrontend) {
  HoldingServer holding(std::string(1 << 20, 'x'));
  holding.HoldAt(1 << 19);
  v1::StartTaskRequest request = Shell("true");
  Add(&request, holding.Url("/a"));
  request.set_wait(v1::StartTaskRequest::WAIT_ACCEPTED);
  const auto task = cluster().client().StartTask(request);
  ASSERT_THAT(task, IsOk());
  holding.AwaitHeld();
  std::vector<std::vector<v1::ArtifactStatus>> seen(2);
  std::thread of_executor([&] { seen[0] = Watch(cluster().executor_client(1), task->id()); });
  std::thread of_frontend([&] { seen[1] = Watch(cluster().client(), task->id()); });
  holding.LetGo();
  of_executor.join();
  of_frontend.join();
  for (const std::vector<v1::ArtifactStatus>& statuses : seen) {
    ASSERT_FALSE(statuses.empty());
    for (size_t i = 1; i < statuses.size(); ++i) {
      EXPECT_GE(statuses[i].state(), statuses[i - 1].state()) << i;
      EXPECT_GE(statuses[i].fetched_bytes(), statuses[i - 1].fetched_bytes()) << i;
    }
    EXPECT_EQ(statuses.back().state(), v1::ArtifactStatus::STATE_READY);
    EXPECT_EQ(statuses.back().fetched_bytes(), holding.body().size());
  }
  EXPECT_THAT(cluster().client().WaitTask(task->id()), IsOk());
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
}

}  // namespace
}  // namespace cloister
