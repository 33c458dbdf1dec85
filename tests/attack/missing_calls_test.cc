// Kernels that lack system calls which Cloister knows a way without: tasks start, and what they
// observe of their fence is the same to the letter. Where it knows none, it does not start at all.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/attack/call_refusal.h"
#include "tests/testing/cloister_program.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

// What a task can see of what surrounds it, in words that are the same for each task of a kind.
constexpr char kLook[] =
    "exec 2>&1; grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|SigBlk|SigIgn|SigCgt)' "
    "/proc/self/status; "
    // Without the numbers of mounts and devices, and the names of the task's own directories.
    "sed -E 's/^[0-9]+ [0-9]+ [0-9:]+ //; s/[a-z2-7]{26}/ID/; s/(master|shared):[0-9]+/\\1/' "
    "/proc/self/mountinfo | sort -k2; "
    "ls -l /proc/self/fd | sed -E 's/.*[0-9]{2}:[0-9]{2} //; s/\\[[0-9]+\\]//' | sort; "
    "ulimit -a; cat /proc/self/cgroup /proc/self/oom_score_adj; ls -lan / /dev /local /alloc | "
    "sed -E 's/ +[0-9]+ [A-Z][a-z]{2} +[0-9]+ [0-9:]+ / /; s/^(.{10}) +[0-9]+ /\\1 /; /^total/d'; "
    "cat /etc/resolv.conf "
    "/etc/hostname; wc -c </proc/keys; (echo x >/srv/f) && echo wrote; (echo x >/etc/f); "
    "(echo x >/proc/sys/kernel/domainname); uname -n; cat /proc/self/setgroups; umask; "
    "for n in cgroup ipc mnt net pid user uts; do test -e /proc/self/ns/$n && echo $n; done; "
    "cat /proc/1/comm; ls /sys/firmware /sys/fs/cgroup | wc -l; stat -f -c %S:%b /dev/shm /scratch "
    "/secrets; stat -c %a:%u:%g /scratch /secrets /bound";

class MissingCalls : public ClusterTest {
 protected:
  LocalClusterOptions Options() override {
    directory_ = absl::StrCat(getenv("TEST_TMPDIR"), "/", RandomId().substr(0, 8));
    for (const char* name : {"", "/data", "/bound"}) {
      const std::string path = absl::StrCat(directory_, name);
      EXPECT_EQ(mkdir(path.c_str(), 0777), 0);
      EXPECT_EQ(chmod(path.c_str(), 0777), 0);
    }
    const std::string file = absl::StrCat(directory_, "/policy.hcl");
    std::ofstream(file) << "host_volume \"data\" { path = \"" << directory_ << "/data\" }\n"
                        << "allowed_mount_sources = [\"" << directory_ << "\"]\n";
    LocalClusterOptions options;
    options.executor_flags = {absl::StrCat("--policy=", file)};
    return options;
  }

  void SetUp() override {}
  void TearDown() override {}

  // A task with one of everything that the calls have a hand in.
  static v1::StartTaskRequest Request(const std::string& directory) {
    v1::StartTaskRequest request;
    request.set_request_id(RandomId());
    request.mutable_config()->add_volumes()->set_name("data");
    v1::VolumeMount* volume = request.mutable_config()->add_volume_mounts();
    volume->set_volume("data");
    volume->set_destination("/srv");
    v1::ExecConfig* config = request.mutable_config()->mutable_config();
    config->set_command("/bin/sh");
    config->add_args("-c");
    config->add_args(kLook);
    config->set_hostname("web");
    config->mutable_dns()->add_servers("192.0.2.7");
    v1::TaskMount* bound = config->add_mounts();
    bound->set_type("bind");
    bound->set_source(absl::StrCat(directory, "/bound"));
    bound->set_destination("/bound");
    bound->set_read_only(true);
    v1::TaskMount* scratch = config->add_mounts();
    scratch->set_type("tmpfs");
    scratch->set_destination("/scratch");
    scratch->set_size(65536);
    scratch->set_noexec(true);
    return request;
  }

  // What a task observes, and what its fence says.
  std::string Observe(const std::string& calls, v1::Fence* fence) {
    RefuseCalls(calls);
    ClusterTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return "";
    absl::StatusOr<TaskOutcome> outcome = cluster().Run(Request(directory_));
    EXPECT_THAT(outcome, IsOk()) << calls;
    if (outcome.ok()) *fence = outcome->task.fence();
    EXPECT_THAT(cluster().Run(std::vector<std::string>{"/bin/true"}), IsOk());
    const std::string cluster_name = cluster().layout().directory;
    ClusterTest::TearDown();
    if (!outcome.ok()) return "";
    const std::string base = directory_.substr(directory_.rfind('/') + 1);
    return absl::StrReplaceAll(
        outcome->out,
        {{base, "BASE"}, {cluster_name.substr(cluster_name.rfind('/') + 1), "CLUSTER"}});
  }

  static std::string Absolute(const char* path) {
    char* const resolved = realpath(path, nullptr);
    const std::string result = resolved == nullptr ? "" : resolved;
    free(resolved);
    return result;
  }

  std::string directory_;
};

TEST_F(MissingCalls, WithAWayRoundThemTheFenceIsTheSame) {
  v1::Fence fence;
  const std::string before = Observe("", &fence);
  if (IsSkipped()) return;
  ASSERT_THAT(before, HasSubstr("/bound ro,nosuid,nodev"));
  for (const char* calls : {"clone3", "close_range", "open_tree", "move_mount", "mount_setattr",
                            "clone3,close_range,open_tree,move_mount,mount_setattr"}) {
    SCOPED_TRACE(calls);
    v1::Fence without;
    EXPECT_EQ(Observe(calls, &without), before);
    EXPECT_EQ(without.SerializeAsString(), fence.SerializeAsString());
  }
}

TEST_F(MissingCalls, WithoutLandlockItIsGoneAndReportedAndTheRestStands) {
  v1::Fence fence;
  const std::string before = Observe("", &fence);
  if (IsSkipped()) return;
  v1::Fence without;
  EXPECT_EQ(Observe(kLandlockCalls, &without), before);
  EXPECT_EQ(without.landlock().abi(), 0u);
  EXPECT_THAT(without.gaps(), Contains(HasSubstr("no Landlock")));
}

TEST_F(MissingCalls, WithoutThoseThatNothingReplacesTheExecutorSaysWhichAndLeaves) {
  // Short: the address of a socket is at most 107 bytes.
  std::string place = "/tmp/cloister-calls-XXXXXX";
  ASSERT_NE(mkdtemp(&place[0]), nullptr);
  for (const char* call : {"openat2", "pidfd_open", "pidfd_send_signal"}) {
    RefuseCalls(call);
    const absl::StatusOr<Said> said = RunTestProgram(
        "CLOISTER_TEST_EXECUTOR",
        {"--node_id=n", absl::StrCat("--state_dir=", place, "/state"),
         absl::StrCat("--run_dir=", place, "/run"), "--cgroups=none",
         absl::StrCat("--launcher_path=", Absolute(getenv("CLOISTER_TEST_LAUNCHER"))),
         absl::StrCat("--listen=unix:", place, "/s")});
    ASSERT_THAT(said, IsOk());
    EXPECT_NE(said->code, 0) << call;
    EXPECT_THAT(said->err, AllOf(HasSubstr("cannot start"), HasSubstr(call),
                                 HasSubstr(": function not implemented")));
  }
  std::error_code gone;
  std::filesystem::remove_all(place, gone);
  EXPECT_FALSE(gone) << gone.message();
}

}  // namespace
}  // namespace cloister
