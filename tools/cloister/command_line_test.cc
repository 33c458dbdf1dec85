// The command line as people meet it: the program itself, against a cluster of its own.

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/spawn.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/leftovers.h"
#include "tools/cloister/dev_layout.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

struct Said {
  int code = -1;
  std::string out;
  std::string err;
};

class CommandLineTest : public ClusterTest {
 protected:
  // A program under way, its output going to files.
  struct Started {
    SpawnedProcess process;
    std::string out;
    std::string err;
  };

  Started Start(const std::vector<std::string>& words, const std::string& address) {
    const std::string base = absl::StrCat(testing::TempDir(), "/said", ++count_);
    OwnedFd out(open((base + ".out").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    OwnedFd err(open((base + ".err").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    OwnedFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    SpawnOptions options;
    options.argv = {getenv("CLOISTER_TEST_CLI")};
    options.argv.insert(options.argv.end(), words.begin(), words.end());
    options.env = {absl::StrCat("CLOISTER_ADDR=", address), "PATH=/usr/bin:/bin", "WORD=from here"};
    options.fds = {{null.get(), 0}, {out.get(), 1}, {err.get(), 2}};
    absl::StatusOr<SpawnedProcess> process = Spawn(options);
    EXPECT_THAT(process, IsOk());
    return {*std::move(process), base + ".out", base + ".err"};
  }

  Said Finish(const Started& started) {
    absl::StatusOr<int> status = started.process.pidfd.WaitAndReap();
    EXPECT_THAT(status, IsOk());
    Said said;
    said.code = WIFEXITED(*status) ? WEXITSTATUS(*status) : 1000 + WTERMSIG(*status);
    said.out = Read(started.out);
    said.err = Read(started.err);
    return said;
  }

  Said Cloister(const std::vector<std::string>& words) {
    return Finish(Start(words, cluster().address()));
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  // The id that `run --detach` prints.
  std::string Detached(const std::vector<std::string>& command) {
    std::vector<std::string> words = {"run", "--detach", "--"};
    words.insert(words.end(), command.begin(), command.end());
    const Said said = Cloister(words);
    EXPECT_EQ(said.code, 0) << said.err;
    return std::string(absl::StripSuffix(said.out, "\n"));
  }

  // The id of the only task, once it runs and has said "ready".
  std::string AwaitReadyTask() {
    grpc::ClientContext context;
    auto watch = cluster().tasks().WatchTasks(&context, {});
    v1::WatchTasksResponse event;
    while (watch->Read(&event) && event.task().state() != v1::TASK_STATE_RUNNING) {
    }
    const std::string id = event.task().id();
    context.TryCancel();
    (void)watch->Finish();
    AwaitOutput(id, "ready");
    return id;
  }

  void AwaitOutput(const std::string& id, const std::string& word) {
    std::string text;
    v1::ReadLogsRequest request;
    request.set_task_id(id);
    request.set_stream(v1::LOG_STREAM_STDOUT);
    request.set_follow(true);
    (void)cluster().client().ReadLogs(request, [&](absl::string_view bytes) {
      text.append(bytes.data(), bytes.size());
      return absl::StrContains(text, word) ? absl::CancelledError("seen") : absl::OkStatus();
    });
    EXPECT_THAT(text, HasSubstr(word));
  }

  int count_ = 0;
};

TEST_F(CommandLineTest, RunExitsAsTheTaskDidAndStreamsBothOutputs) {
  const Said said = Cloister({"run", "--", "/bin/sh", "-c", "id -un; echo to stderr >&2; exit 7"});
  EXPECT_EQ(said.code, 7);
  EXPECT_EQ(said.out, "nobody\n");
  EXPECT_EQ(said.err, "to stderr\n");
}

TEST_F(CommandLineTest, AnAttachedRunLeavesNoTask) {
  EXPECT_EQ(Cloister({"run", "--", Payload("exit_code"), "0"}).code, 0);
  EXPECT_THAT(FindTaskLeftovers(cluster().layout(), 1), IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(Cloister({"ps", "--all", "--quiet"}).out, "");
}

TEST_F(CommandLineTest, RunStreamsBytesAsTheyAre) {
  const Said said = Cloister({"run", "--", Payload("write_bytes"), "3000001"});
  EXPECT_EQ(said.code, 0);
  ASSERT_EQ(said.out.size(), 3000001u);
  EXPECT_THAT(said.out, EndsWith("\n000000000187499\n0"));
}

TEST_F(CommandLineTest, ATaskKilledByASignalExits128More) {
  EXPECT_EQ(Cloister({"run", "--", Payload("die_by_signal"), "9"}).code, 137);
  EXPECT_EQ(Cloister({"run", "--", Payload("die_by_signal"), "11"}).code, 139);
}

TEST_F(CommandLineTest, WhatCannotBeStartedExits125WithASentence) {
  const Said said = Cloister({"run", "--", "/nope"});
  EXPECT_EQ(said.code, 125);
  EXPECT_THAT(said.err, AllOf(HasSubstr("/nope"), HasSubstr("no such file or directory")));
  EXPECT_EQ(said.out, "");
}

TEST_F(CommandLineTest, BadInputExits2AndListsEveryMistake) {
  const Said said =
      Cloister({"run", "--user", "no such user", "--cap-add", "sys_nope", "--", "/bin/true"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, AllOf(HasSubstr("user"), HasSubstr("sys_nope"), HasSubstr("Try: ")));
  EXPECT_EQ(Cloister({"run", "--nope", "--", "/bin/true"}).code, 2);
  EXPECT_EQ(Cloister({"run"}).code, 2);
  EXPECT_EQ(Cloister({"nope"}).code, 2);
}

TEST_F(CommandLineTest, ARefusedCapabilityIsNamed) {
  const Said said = Cloister({"run", "--cap-add", "sys_admin", "--", "/bin/true"});
  EXPECT_NE(said.code, 0);
  EXPECT_THAT(said.err, HasSubstr("sys_admin"));
}

TEST_F(CommandLineTest, FlagsReachTheTask) {
  const Said said = Cloister({"run", "--env", "A=b c", "--env", "WORD", "--work-dir", "/tmp", "--",
                              "/bin/sh", "-c", "echo $A $WORD $(pwd)"});
  EXPECT_EQ(said.out, "b c from here /tmp\n");
}

TEST_F(CommandLineTest, AnInterruptStopsTheTask) {
  const Started run =
      Start({"run", "--", Payload("exit_on_signal"), "15", "33"}, cluster().address());
  (void)AwaitReadyTask();
  ASSERT_THAT(run.process.pidfd.Signal(SIGINT), IsOk());
  const Said said = Finish(run);
  EXPECT_EQ(said.code, 33);
  EXPECT_EQ(said.out, "ready\ngot 15\n");
}

TEST_F(CommandLineTest, ASecondInterruptKillsTheTask) {
  const Started run =
      Start({"run", "--kill-timeout", "1h", "--", Payload("ignore_term")}, cluster().address());
  (void)AwaitReadyTask();
  ASSERT_THAT(run.process.pidfd.Signal(SIGINT), IsOk());
  ASSERT_THAT(run.process.pidfd.Signal(SIGTERM), IsOk());
  EXPECT_EQ(Finish(run).code, 137);
}

TEST_F(CommandLineTest, ARunOutlivesTheFrontendItWaitsThrough) {
  const Started run =
      Start({"run", "--", Payload("exit_on_signal"), "10", "44"}, cluster().address());
  const std::string id = AwaitReadyTask();
  ASSERT_THAT(cluster().KillFrontend(), IsOk());
  ASSERT_THAT(cluster().StartFrontend(), IsOk());
  EXPECT_EQ(Cloister({"signal", id, "USR1"}).code, 0);
  const Said said = Finish(run);
  EXPECT_EQ(said.code, 44);
  EXPECT_EQ(said.out, "ready\ngot 10\n");
}

TEST_F(CommandLineTest, ADetachedTaskIsFollowedByItsId) {
  const std::string id = Detached({Payload("exit_on_signal"), "10", "5"});
  AwaitOutput(id, "ready");
  EXPECT_THAT(Cloister({"ps"}).out, AllOf(HasSubstr(id), HasSubstr("running")));
  EXPECT_THAT(Cloister({"status", id}).out,
              AllOf(HasSubstr("namespaces:"), HasSubstr("start took:")));
  EXPECT_EQ(Cloister({"signal", id.substr(0, 8), "SIGUSR1"}).code, 0);
  const Said waited = Cloister({"wait", id});
  EXPECT_EQ(waited.code, 5);
  EXPECT_EQ(waited.out, "exited with code 5\n");
  EXPECT_EQ(Cloister({"logs", id}).out, "ready\ngot 10\n");
  EXPECT_EQ(Cloister({"logs", "--offset", "6", id}).out, "got 10\n");
  EXPECT_EQ(Cloister({"logs", "--stderr", id}).out, "");
  EXPECT_EQ(Cloister({"ps", "--quiet"}).out, "");
  EXPECT_EQ(Cloister({"ps", "--all", "--quiet"}).out, id + "\n");
  EXPECT_EQ(Cloister({"rm", id}).code, 0);
  const Said gone = Cloister({"status", id});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.err, HasSubstr("Try: cloister ps --all"));
}

TEST_F(CommandLineTest, StopKillsWhatIgnoresIt) {
  const std::string id = Detached({Payload("ignore_term")});
  AwaitOutput(id, "ready");
  EXPECT_EQ(Cloister({"rm", id}).code, 1);
  EXPECT_EQ(Cloister({"stop", "--grace", "0", id}).code, 0);
  EXPECT_EQ(Cloister({"wait", id}).code, 137);
  EXPECT_EQ(Cloister({"rm", "--force", id, "nosuchtask"}).code, 0);
}

TEST_F(CommandLineTest, TablesAreJsonForPrograms) {
  const std::string id = Detached({Payload("exit_code"), "0"});
  EXPECT_EQ(Cloister({"wait", id}).code, 0);
  const Said tasks = Cloister({"ps", "--all", "--json"});
  EXPECT_THAT(tasks.out,
              AllOf(HasSubstr("\"tasks\""), HasSubstr(id), HasSubstr("\"exit_code\": 0")));
  EXPECT_THAT(Cloister({"node", "ls", "--json"}).out, HasSubstr("\"state\": \"NODE_STATE_READY\""));
  EXPECT_THAT(Cloister({"node", "status", "node-1", "--json"}).out,
              HasSubstr("\"id\": \"node-1\""));
  EXPECT_THAT(Cloister({"status", id, "--json"}).out, HasSubstr("\"fence\""));
  EXPECT_THAT(Cloister({"status"}).out, HasSubstr("1 ready of 1"));
}

TEST_F(CommandLineTest, ExplainStartsNothingAndShowsNoSecret) {
  const Said text = Cloister({"explain", "--env", "KEY=s3cret", "--", "/bin/true"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(Not(IsEmpty()), Not(HasSubstr("s3cret"))));
  const Said plan = Cloister({"explain", "--plan", "--env", "KEY=s3cret", "--", "/bin/true"});
  EXPECT_THAT(plan.out, AllOf(HasSubstr("namespaces"), Not(HasSubstr("s3cret"))));
  EXPECT_EQ(Cloister({"ps", "--all", "--quiet"}).out, "");
}

TEST_F(CommandLineTest, AWrongAddressIsToldAtOnceWithTheNextThingToTry) {
  const Said nobody = Finish(Start({"ps"}, "unix:/nonexistent/frontend.sock"));
  EXPECT_EQ(nobody.code, 1);
  EXPECT_THAT(nobody.err,
              AllOf(HasSubstr("cannot reach a cluster"), HasSubstr("Try: cloister dev")));
  EXPECT_EQ(Finish(Start({"run", "--", "/bin/true"}, "unix:/nonexistent/frontend.sock")).code, 125);
  EXPECT_EQ(Finish(Start({"ps"}, "")).code, 2);
  EXPECT_EQ(Finish(Start({"ps"}, "example.com:1")).code, 2);
}

TEST_F(CommandLineTest, DevSaysThatItsClusterRunsAndIsEndedTwice) {
  const std::string directory = testing::TempDir() + "/dev";
  const Said started = Finish(Start({"dev", "--dir", directory, "--detach"}, ""));
  ASSERT_EQ(started.code, 0) << started.err;
  EXPECT_THAT(started.out, StartsWith("export CLOISTER_ADDR=unix:/"));
  const std::string address(
      absl::StripSuffix(absl::StripPrefix(started.out, "export CLOISTER_ADDR="), "\n"));
  EXPECT_EQ(Finish(Start({"run", "--", "/bin/sh", "-c", "exit 7"}, address)).code, 7);
  const Said again = Finish(Start({"dev", "--dir", directory, "--detach"}, ""));
  EXPECT_EQ(again.out, started.out);
  EXPECT_THAT(again.err, HasSubstr("runs already"));
  EXPECT_EQ(Finish(Start({"run", "--detach", "--", "/bin/sleep", "1000"}, address)).code, 0);
  EXPECT_EQ(Finish(Start({"dev", "stop", "--dir", directory, "--grace", "0"}, "")).code, 0);
  const Said twice = Finish(Start({"dev", "stop", "--dir", directory}, ""));
  EXPECT_EQ(twice.code, 0);
  EXPECT_THAT(twice.err, HasSubstr("no cluster runs in"));
  absl::StatusOr<DevLayout> layout = ResolveDevLayout(directory);
  ASSERT_THAT(layout, IsOk());
  EXPECT_THAT(FindLeftovers(*layout), IsOkAndHolds(IsEmpty()));
}

TEST_F(CommandLineTest, ForegroundDevEndsItsClusterAtAnInterrupt) {
  const std::string directory = testing::TempDir() + "/foreground";
  const std::string said = testing::TempDir() + "/foreground.said";
  ASSERT_EQ(mkfifo(said.c_str(), 0600), 0);
  OwnedFd writing(open(said.c_str(), O_RDWR | O_CLOEXEC));
  OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  SpawnOptions options;
  options.argv = {getenv("CLOISTER_TEST_CLI"), "dev", "--dir", directory};
  options.env = {"PATH=/usr/bin:/bin"};
  options.fds = {{null.get(), 0}, {writing.get(), 1}, {null.get(), 2}};
  absl::StatusOr<SpawnedProcess> dev = Spawn(options);
  ASSERT_THAT(dev, IsOk());
  std::ifstream reading(said);
  std::string line;
  ASSERT_TRUE(std::getline(reading, line));
  ASSERT_THAT(line, StartsWith("export CLOISTER_ADDR="));
  const std::string address(absl::StripPrefix(line, "export CLOISTER_ADDR="));
  EXPECT_EQ(Finish(Start({"run", "--detach", "--", "/bin/sleep", "1000"}, address)).code, 0);
  ASSERT_THAT(dev->pidfd.Signal(SIGINT), IsOk());
  EXPECT_THAT(dev->pidfd.WaitAndReap(), IsOkAndHolds(0));
  absl::StatusOr<DevLayout> layout = ResolveDevLayout(directory);
  ASSERT_THAT(layout, IsOk());
  EXPECT_THAT(FindLeftovers(*layout), IsOkAndHolds(IsEmpty()));
}

TEST_F(CommandLineTest, DevThatIsInterruptedWhileItStartsLeavesNothing) {
  const std::string directory = testing::TempDir() + "/interrupted";
  const Started dev = Start({"dev", "--dir", directory}, "");
  absl::StatusOr<DevLayout> layout = ResolveDevLayout(directory);
  ASSERT_THAT(layout, IsOk());
  ASSERT_THAT(dev.process.pidfd.Signal(SIGINT), IsOk());
  (void)Finish(dev);
  EXPECT_THAT(FindLeftovers(*layout), IsOkAndHolds(IsEmpty()));
}

}  // namespace
}  // namespace cloister
