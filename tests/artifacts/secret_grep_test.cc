// secret-grep: what a fetch is authorised by is looked for, while it runs and after it, in all that
// anybody could read: answers, events, logs, state, and the processes of the cluster.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/artifacts/artifact_fixture.h"

namespace cloister {
namespace {

namespace fs = std::filesystem;
using artifact::ScriptedServer;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class SecretGrepTest : public ArtifactTest {
 protected:
  void SetUp() override {
    www().Write("token", credential_ + "\n", 0600);
    ArtifactTest::SetUp();
  }
  std::string Policy() override {
    return absl::StrCat("  attempts = 1\n  credentials \"store\" {\n    type = \"bearer\"\n",
                        "    file = \"", www().path(),
                        "/token\"\n    hosts = [\"127.0.0.1\"]\n    allow_http = true\n  }\n");
  }

  // Files beneath `directory` with one of the secrets in them.
  std::vector<std::string> FilesWith(const std::string& directory,
                                     const std::vector<std::string>& secrets) {
    std::vector<std::string> found;
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(directory, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      std::error_code gone;
      if (!entry->is_regular_file(gone)) continue;
      const std::string text = TextOf(entry->path().string());
      for (const std::string& secret : secrets) {
        if (absl::StrContains(text, secret)) found.push_back(entry->path().string());
      }
    }
    return found;
  }
  // Processes of this machine with one of the secrets in their command line or environment.
  static std::vector<std::string> ProcessesWith(const std::vector<std::string>& secrets) {
    std::vector<std::string> found;
    std::error_code error;
    for (const fs::directory_entry& process : fs::directory_iterator("/proc", error)) {
      for (const char* file : {"cmdline", "environ", "comm"}) {
        const std::string text = TextOf(absl::StrCat(process.path().string(), "/", file));
        for (const std::string& secret : secrets) {
          if (absl::StrContains(text, secret)) found.push_back(process.path().string() + file);
        }
      }
    }
    return found;
  }
  void ExpectNoneSaid(const std::string& said, const char* where) {
    for (const std::string& secret : All()) EXPECT_THAT(said, Not(HasSubstr(secret))) << where;
  }
  std::vector<std::string> All() const { return {credential_, signature_, header_, password_}; }

  // Told apart from everything else on the machine.
  const std::string credential_ = "CREDENTIAL-" + RandomId();
  const std::string signature_ = "SIGNATURE-" + RandomId();
  const std::string header_ = "HEADER-" + RandomId();
  const std::string password_ = "PASSWORD-" + RandomId();
};

TEST_F(SecretGrepTest, OfAFetchThatRunsAndOfATaskThatHasItsArtifacts) {
  absl::Notification asked;
  absl::Notification looked;
  const ScriptedServer slow([&](int fd, const std::string&) {
    artifact::SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbo");
    asked.Notify();
    looked.WaitForNotification();
    artifact::SendAll(fd, "dy");
  });
  v1::StartTaskRequest request = Shell("cat /local/a; sleep 1000");
  v1::Artifact* artifact = Add(&request, slow.Url(absl::StrCat("/a?X-Amz-Signature=", signature_)));
  (*artifact->mutable_options())["credentials"] = "store";
  (*artifact->mutable_headers())["X-Token"] = header_;
  request.set_wait(v1::StartTaskRequest::WAIT_ACCEPTED);
  const absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
  ASSERT_THAT(task, IsOk());
  asked.WaitForNotification();
  ExpectNoneSaid(task->DebugString(), "StartTask");
  const auto look = [&](const char* when) {
    const auto got = cluster().client().GetTask(task->id());
    ASSERT_THAT(got, IsOk());
    ExpectNoneSaid(got->DebugString(), when);
    EXPECT_THAT(ProcessesWith(All()), IsEmpty()) << when;
    EXPECT_THAT(FilesWith(cluster().layout().log_directory, All()), IsEmpty()) << when;
    const auto listed = cluster().client().ListArtifacts({});
    ASSERT_THAT(listed, IsOk());
    ExpectNoneSaid(listed->DebugString(), when);
    v1::ExplainTaskRequest explain;
    *explain.mutable_config() = request.config();
    const auto explained = cluster().client().ExplainTask(explain);
    ASSERT_THAT(explained, IsOk());
    ExpectNoneSaid(explained->DebugString(), when);
    for (const v1::LogStream stream : {v1::LOG_STREAM_STDOUT, v1::LOG_STREAM_STDERR}) {
      v1::ReadLogsRequest logs;
      logs.set_task_id(task->id());
      logs.set_stream(stream);
      std::string read;
      // Of a task that has not started there are none yet.
      cluster()
          .client()
          .ReadLogs(logs,
                    [&read](absl::string_view bytes) {
                      absl::StrAppend(&read, bytes);
                      return absl::OkStatus();
                    })
          .IgnoreError();
      ExpectNoneSaid(read, when);
    }
  };
  look("while it is fetched");
  // What the spec itself says of its source is in the record of the task, root's alone, as long as
  // a restarted executor might have to ask again.
  EXPECT_THAT(FilesWith(StateDirectory(), {credential_, password_}), IsEmpty());
  std::string watched;
  looked.Notify();
  ASSERT_THAT(cluster().client().WatchTask(task->id(),
                                           [&](const v1::Task& now) {
                                             watched += now.DebugString();
                                             return now.state() == v1::TASK_STATE_PENDING;
                                           }),
              IsOk());
  ExpectNoneSaid(watched, "WatchTasks");
  look("once it has come");
  EXPECT_THAT(FilesWith(StateDirectory(), All()), IsEmpty());
  // The server got them: they were there to be found.
  const std::string head = slow.requests().front();
  EXPECT_THAT(head, HasSubstr(credential_));
  EXPECT_THAT(head, HasSubstr(signature_));
  EXPECT_THAT(head, HasSubstr(header_));
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
}

TEST_F(SecretGrepTest, OfAFetchThatFails) {
  const ScriptedServer forbidding(absl::StrCat(
      "HTTP/1.1 403 ", signature_, "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  v1::StartTaskRequest request = Shell("true");
  v1::Artifact* artifact =
      Add(&request, forbidding.Url(absl::StrCat("/a?X-Amz-Signature=", signature_)));
  (*artifact->mutable_options())["credentials"] = "store";
  (*artifact->mutable_headers())["X-Token"] = header_;
  ExpectNoneSaid(cluster().Run(request).status().ToString(), "StartTask");
  v1::StartTaskRequest written = Shell("true");
  Add(&written, absl::StrCat("https://user:", password_, "@127.0.0.1/a?token=", signature_));
  const absl::Status refused = cluster().Run(written).status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument));
  ExpectNoneSaid(refused.ToString(), "a password in the source");
  EXPECT_THAT(FilesWith(cluster().layout().directory, All()), IsEmpty());
  EXPECT_THAT(ProcessesWith(All()), IsEmpty());
}

}  // namespace
}  // namespace cloister
