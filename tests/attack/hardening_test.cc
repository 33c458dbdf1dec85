// The walls behind the root, the ids and the capabilities: seccomp, Landlock, no_new_privs, hidden
// paths. Each attack runs twice: against the fence, and where policy and task have that wall down,
// so that it is known to be the wall that holds.
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kAllAllowed[] =
    "allow_unconfined_seccomp = true\nallow_without_landlock = true\nallow_new_privs = true\n"
    "allow_unmasked_paths = true\nallow_host_pid_mode = true\n"
    "allow_caps = [\"sys_time\", \"sys_admin\", \"kill\"]\n";

int LandlockVersion() {
  const long version =
      syscall(SYS_landlock_create_ruleset, nullptr, size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

class Hardening : public ClusterTest {
 protected:
  LocalClusterOptions Options() override {
    directory_ = absl::StrCat(getenv("TEST_TMPDIR"), "/", RandomId().substr(0, 8));
    EXPECT_EQ(mkdir(directory_.c_str(), 0777), 0);
    EXPECT_EQ(chmod(directory_.c_str(), 0777), 0);
    const std::string file = absl::StrCat(directory_, "/policy.hcl");
    std::ofstream(file) << Policy() << "host_volume \"data\" { path = \"" << directory_ << "\" }\n";
    LocalClusterOptions options;
    options.executor_flags = {absl::StrCat("--policy=", file)};
    return options;
  }

  virtual std::string Policy() { return kAllAllowed; }

  static v1::StartTaskRequest Command(const std::vector<std::string>& words) {
    v1::StartTaskRequest request;
    request.set_request_id(RandomId());
    v1::ExecConfig* config = request.mutable_config()->mutable_config();
    config->set_command(words.front());
    for (size_t i = 1; i < words.size(); ++i) config->add_args(words[i]);
    return request;
  }
  static v1::StartTaskRequest Sh(const std::string& script) {
    return Command({"/bin/sh", "-c", script});
  }
  static v1::ExecConfig* ConfigOf(v1::StartTaskRequest* request) {
    return request->mutable_config()->mutable_config();
  }

  TaskOutcome Run(const v1::StartTaskRequest& request) {
    absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    EXPECT_THAT(outcome, IsOk());
    return outcome.ok() ? *outcome : TaskOutcome();
  }

  // "x86_64 keyctl" -> "1", as refused_calls says it.
  std::map<std::string, std::string> Answers(const v1::StartTaskRequest& request) {
    std::map<std::string, std::string> answers;
    for (absl::string_view line : absl::StrSplit(Run(request).out, '\n', absl::SkipEmpty())) {
      const size_t space = line.rfind(' ');
      answers[std::string(line.substr(0, space))] = std::string(line.substr(space + 1));
    }
    return answers;
  }

  std::string directory_;
};

bool IsNotThere(absl::string_view call) {
  return absl::EndsWith(call, " clone3") || absl::EndsWith(call, " newer_than_the_table") ||
         absl::StartsWith(call, "x32 ");
}

TEST_F(Hardening, CallsAreRefusedOnAllThreeAbis) {
  const auto answers = Answers(Command({Payload("refused_calls")}));
  EXPECT_GT(answers.size(), 100u);
  for (const auto& [call, answer] : answers) {
    // A kernel without 32-bit programs kills those that try.
    if (absl::StartsWith(call, "i386 ") && answer == "killed") continue;
    EXPECT_EQ(answer, std::to_string(IsNotThere(call) ? ENOSYS : EPERM)) << call;
  }
}

TEST_F(Hardening, ItIsTheProfileThatRefusesThem) {
  v1::StartTaskRequest request = Command({Payload("refused_calls")});
  ConfigOf(&request)->set_seccomp("unconfined");
  const auto answers = Answers(request);
  for (const char* call : {"add_key", "keyctl", "clone3", "personality", "tiocsti", "tiocsti_high",
                           "tioclinux_high", "project_id", "setns", "pidfd_getfd"}) {
    EXPECT_NE(answers.at(absl::StrCat("x86_64 ", call)), std::to_string(EPERM)) << call;
  }
  EXPECT_NE(answers.at("x86_64 clone3"), std::to_string(ENOSYS));
}

TEST_F(Hardening, ACapabilityOpensItsCallsAndNoOthers) {
  v1::StartTaskRequest request = Command({Payload("refused_calls")});
  ConfigOf(&request)->add_cap_add("sys_admin");
  const auto answers = Answers(request);
  EXPECT_NE(answers.at("x86_64 mount"), std::to_string(EPERM));
  for (const char* call : {"add_key", "keyctl", "io_uring_setup", "unshare_user", "clone_user",
                           "tiocsti_high", "kexec_load"}) {
    EXPECT_EQ(answers.at(absl::StrCat("x86_64 ", call)), std::to_string(EPERM)) << call;
  }
}

TEST_F(Hardening, OrdinaryProgramsDoNotNoticeIt) {
  const TaskOutcome outcome = Run(
      Sh("set -e; cd /tmp; mkdir a b; echo x >a/f; mv a/f b/g; ln b/g a/h; ln -s b/g s; cat s; "
         ": >b/g; mkfifo p; echo y >/dev/null; echo z >/dev/shm/z; rm /dev/shm/z; "
         "echo w >/alloc/data/w; mv /alloc/data/w /alloc/data/v; cp /bin/true /local/t; /local/t; "
         "(sleep 100 & kill $!; wait $!) || true; echo 5 >/proc/self/oom_score_adj; "
         "grep -c . /proc/self/status >/dev/null; tar cf t.tar a b; tar tf t.tar >/dev/null; "
         "ls -lR / >/dev/null 2>&1 || true; echo done"));
  EXPECT_EQ(outcome.out, "x\ndone\n") << outcome.err;
}

TEST_F(Hardening, PythonHasItsThreadsProcessesTerminalsAndSockets) {
  const TaskOutcome outcome = Run(
      Sh("command -v python3 >/dev/null || { echo ok; exit; }; exec python3 -c '\n"
         "import threading, subprocess, pty, os, socket, mmap, tempfile, select\n"
         "t = threading.Thread(target=lambda: None); t.start(); t.join()\n"
         "assert subprocess.run([\"/bin/echo\", \"a\"], capture_output=True).stdout == b\"a\\n\"\n"
         "m, s = pty.openpty(); assert os.isatty(s); os.get_terminal_size(s)\n"
         "a, b = socket.socketpair(); a.send(b\"x\"); assert b.recv(1) == b\"x\"\n"
         "l = socket.socket(socket.AF_UNIX); l.bind(\"\\0own\"); l.listen(1)\n"
         "c = socket.socket(socket.AF_UNIX); c.connect(\"\\0own\")\n"
         "socket.socket(socket.AF_INET).bind((\"127.0.0.1\", 0)); select.epoll().close()\n"
         "f = tempfile.NamedTemporaryFile(); f.write(b\"y\"); f.truncate(10)\n"
         "print(\"ok\")'"));
  EXPECT_EQ(outcome.out, "ok\n") << outcome.err;
}

TEST_F(Hardening, AUserNamespaceIsNotToBeHad) {
  const TaskOutcome outcome = Run(Sh("unshare -U true || unshare -m true || unshare -n true"));
  EXPECT_NE(outcome.task.exit_result().exit_code(), 0);
  EXPECT_THAT(outcome.err, HasSubstr("Operation not permitted"));
}

TEST_F(Hardening, WhatFencesATaskIsWhatItsFenceSays) {
  const TaskOutcome outcome = Run(Command({Payload("print_status")}));
  const v1::Fence& fence = outcome.task.fence();
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("NoNewPrivs:\t1\n"), HasSubstr("Seccomp:\t2\n")));
  EXPECT_EQ(fence.seccomp_profile(), "default");
  EXPECT_EQ(fence.seccomp_hash().size(), 32u);
  EXPECT_EQ(static_cast<int>(fence.landlock().abi()),
            LandlockVersion() < 2 ? 0 : LandlockVersion());
  EXPECT_EQ(fence.landlock().signals(), LandlockVersion() >= 6);
  EXPECT_EQ(fence.gaps().empty(), LandlockVersion() >= 6);
}

TEST_F(Hardening, WithoutNoNewPrivsTheRestOfTheFenceStands) {
  v1::StartTaskRequest request = Command({Payload("print_status")});
  const std::string fenced = Run(request).out;
  request.set_request_id(RandomId());
  ConfigOf(&request)->set_no_new_privs(false);
  const TaskOutcome outcome = Run(request);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("NoNewPrivs:\t0\n"), HasSubstr("Seccomp:\t2\n")));
  for (const char* set : {"CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapAmb:\t"}) {
    EXPECT_THAT(outcome.out, HasSubstr(absl::StrCat(set, "0000000000000000\n")));
  }
  EXPECT_THAT(fenced, HasSubstr("NoNewPrivs:\t1\n"));
  EXPECT_THAT(outcome.task.fence().gaps(), testing::Contains(HasSubstr("no_new_privs")));
}

TEST_F(Hardening, HiddenPathsAreHiddenUnlessBothSayOtherwise) {
  v1::StartTaskRequest request = Sh("wc -c </proc/interrupts; ls /sys/firmware | wc -l");
  EXPECT_EQ(Run(request).out, "0\n0\n");
  request.set_request_id(RandomId());
  ConfigOf(&request)->set_masked_paths(false);
  EXPECT_NE(Run(request).out, "0\n0\n");
}

// --- Landlock
// --------------------------------------------------------------------------------------

class SecondWall : public Hardening {
 protected:
  void SetUp() override {
    if (LandlockVersion() < 6) GTEST_SKIP() << "Landlock here is version " << LandlockVersion();
    Hardening::SetUp();
  }
  void TearDown() override {
    if (LandlockVersion() >= 6) Hardening::TearDown();
  }
};

// Listens on an abstract socket of the host, and on a path; gives whoever connects a directory.
OwnedFd Listen(const std::string& name, bool abstract) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + (abstract ? 1 : 0), sizeof(address.sun_path) - 2);
  OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(fd.get(), 8), 0);
  if (!abstract) {
    EXPECT_EQ(chmod(name.c_str(), 0777), 0);
  }
  return fd;
}

void GiveDirectory(int listener, int directory) {
  OwnedFd peer(accept(listener, nullptr, nullptr));
  char byte = 'x';
  iovec piece = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int*>(CMSG_DATA(header)) = directory;
  EXPECT_EQ(sendmsg(peer.get(), &message, 0), 1);
  // Until the other end is done with it.
  EXPECT_EQ(read(peer.get(), &byte, 1), 0);
}

TEST_F(SecondWall, AnAbstractSocketOfTheHostIsOutOfReach) {
  const std::string name = absl::StrCat("cloister-", RandomId());
  const OwnedFd listener = Listen(name, true);
  v1::StartTaskRequest request = Command({Payload("abstract_socket"), "connect", name});
  EXPECT_EQ(Run(request).out, absl::StrCat(EPERM, "\n"));
  request.set_request_id(RandomId());
  ConfigOf(&request)->set_landlock(false);
  EXPECT_EQ(Run(request).out, "0\n");
}

TEST_F(SecondWall, AnAbstractSocketOfAnotherTaskIsOutOfReach) {
  const std::string name = absl::StrCat("cloister-", RandomId());
  absl::StatusOr<v1::Task> other =
      cluster().StartTask({Payload("abstract_socket"), "listen", name});
  ASSERT_THAT(other, IsOk());
  v1::StartTaskRequest request = Command({Payload("abstract_socket"), "connect", name});
  // Until it listens: refused connections are told apart from forbidden ones.
  std::string out;
  do {
    request.set_request_id(RandomId());
    ConfigOf(&request)->set_landlock(false);
    out = Run(request).out;
  } while (out == absl::StrCat(ECONNREFUSED, "\n"));
  EXPECT_EQ(out, "0\n");
  request.set_request_id(RandomId());
  ConfigOf(&request)->clear_landlock();
  EXPECT_EQ(Run(request).out, absl::StrCat(EPERM, "\n"));
  EXPECT_THAT(cluster().Destroy(other->id()), IsOk());
}

TEST_F(SecondWall, ASignalToAnotherTaskOfTheSameUserIsRefused) {
  absl::StatusOr<v1::Task> victim = cluster().StartTask({Payload("sleep_forever")});
  ASSERT_THAT(victim, IsOk());
  absl::StatusOr<v1::Task> known = cluster().client().GetTask(victim->id());
  ASSERT_THAT(known, IsOk());
  ASSERT_GT(known->pid(), 0);
  v1::StartTaskRequest request = Sh(absl::StrCat("kill -0 ", known->pid(),
                                                 " 2>&1; echo $?; "
                                                 "sleep 100 & kill $! && echo own"));
  ConfigOf(&request)->set_pid_mode("host");
  const std::string out = Run(request).out;
  EXPECT_THAT(out, AllOf(HasSubstr("ot permitted"), HasSubstr("1\nown\n")));
  request.set_request_id(RandomId());
  ConfigOf(&request)->set_landlock(false);
  EXPECT_EQ(Run(request).out, "0\nown\n");
  EXPECT_THAT(cluster().Destroy(victim->id()), IsOk());
}

TEST_F(SecondWall, ADirectoryOfTheHostIsOfNoUseToWhoeverGetsHoldOfIt) {
  const std::string host = absl::StrCat(directory_, "-host");
  ASSERT_EQ(mkdir(host.c_str(), 0777), 0);
  ASSERT_EQ(chmod(host.c_str(), 0777), 0);
  std::ofstream(absl::StrCat(host, "/file")) << "secret\n";
  const OwnedFd directory(open(host.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  // A path that fits: a unix socket's has 107 bytes.
  const OwnedFd data(open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const OwnedFd listener = Listen(absl::StrCat("/proc/self/fd/", data.get(), "/s"), false);
  for (bool landlock : {true, false}) {
    v1::StartTaskRequest request = Command({Payload("receive_directory"), "/srv/s"});
    request.mutable_config()->add_volumes()->set_name("data");
    v1::VolumeMount* mount = request.mutable_config()->add_volume_mounts();
    mount->set_volume("data");
    mount->set_destination("/srv");
    ConfigOf(&request)->set_landlock(landlock);
    std::thread giver([&] { GiveDirectory(listener.get(), directory.get()); });
    const std::string out = Run(request).out;
    giver.join();
    EXPECT_EQ(out, landlock
                       ? absl::StrCat("list ", EACCES, "\nread ", EACCES, "\nmake ", EACCES, "\n")
                       : "list 0\nread 0\nmake 0\n");
  }
}

// --- Switches
// --------------------------------------------------------------------------------------

class CarefulNode : public Hardening {
 protected:
  std::string Policy() override { return ""; }
};

TEST_F(CarefulNode, RefusesByNameWhatATaskSwitchesOff) {
  const auto status = [this](void (*change)(v1::ExecConfig*)) {
    v1::StartTaskRequest request = Sh("true");
    change(ConfigOf(&request));
    return cluster().Run(request).status();
  };
  using absl::StatusCode;
  EXPECT_THAT(status([](v1::ExecConfig* config) { config->set_seccomp("unconfined"); }),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("allow_unconfined_seccomp")));
  EXPECT_THAT(status([](v1::ExecConfig* config) { config->set_landlock(false); }),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("allow_without_landlock")));
  EXPECT_THAT(status([](v1::ExecConfig* config) { config->set_no_new_privs(false); }),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("allow_new_privs")));
  EXPECT_THAT(status([](v1::ExecConfig* config) { config->set_masked_paths(false); }),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("allow_unmasked_paths")));
  EXPECT_THAT(status([](v1::ExecConfig* config) { config->set_seccomp("strict"); }),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("config.seccomp")));
}

}  // namespace
}  // namespace cloister
