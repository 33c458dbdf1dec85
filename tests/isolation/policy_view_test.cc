// What a payload gets on a node whose policy is not the default: volumes, the node's namespaces,
// the exec driver's capabilities, a root without pivot_root. Through the whole of Cloister.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
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
using testing::Not;

// Never what a link leads to: the node's own directories are a link away.
void MakeEmpty(const std::string& directory) {
  if (access(directory.c_str(), F_OK) != 0) {
    ASSERT_EQ(mkdir(directory.c_str(), 0777), 0) << directory;
    ASSERT_EQ(chmod(directory.c_str(), 0777), 0) << directory;
  }
  ASSERT_TRUE(std::filesystem::is_directory(std::filesystem::symlink_status(directory)));
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::filesystem::remove_all(entry.path());
  }
}

// Directories of the suite's own stand for the node's. A suite has one policy, and so one cluster.
class PolicyView : public ClusterTest {
 protected:
  bool SharesItsCluster() const override { return true; }

  static void SetUpTestSuite() {
    directory_ = absl::StrCat(getenv("TEST_TMPDIR"), "/policy-", RandomId());
    ASSERT_EQ(mkdir(directory_.c_str(), 0755), 0);
  }

  LocalClusterOptions Options() override {
    // Of a test before: the volumes are the same directories, and empty.
    for (const char* name : {"/data", "/certs"}) MakeEmpty(absl::StrCat(directory_, name));
    std::ofstream(absl::StrCat(directory_, "/certs/tool")) << "#!/bin/sh\necho $0 $1\n";
    EXPECT_EQ(chmod(absl::StrCat(directory_, "/certs/tool").c_str(), 0755), 0);
    const std::string file = absl::StrCat(directory_, "/policy.hcl");
    std::ofstream(file) << "host_volume \"data\" { path = \"" << directory_ << "/data\" }\n"
                        << "host_volume \"certs\" {\n  path = \"" << directory_
                        << "/certs\"\n  read_only = true\n  propagation = \"private\"\n}\n"
                        << Policy();
    LocalClusterOptions options;
    options.executor_flags = {absl::StrCat("--policy=", file)};
    return options;
  }

  virtual std::string Policy() { return ""; }

  v1::StartTaskRequest Sh(const std::string& script) {
    v1::StartTaskRequest request;
    request.set_request_id(RandomId());
    v1::ExecConfig* config = request.mutable_config()->mutable_config();
    config->set_command("/bin/sh");
    config->add_args("-c");
    config->add_args(script);
    return request;
  }

  static v1::VolumeMount* AddVolume(const std::string& name, const std::string& destination,
                                    v1::StartTaskRequest* request) {
    request->mutable_config()->add_volumes()->set_name(name);
    v1::VolumeMount* mount = request->mutable_config()->add_volume_mounts();
    mount->set_volume(name);
    mount->set_destination(destination);
    return mount;
  }

  TaskOutcome Run(const v1::StartTaskRequest& request) {
    absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    EXPECT_THAT(outcome, IsOk());
    return outcome.ok() ? *outcome : TaskOutcome();
  }

  static inline std::string directory_;
};

TEST_F(PolicyView, VolumesAreWhereTheyWereAskedForAndAsReadOnlyAsTheNodeSays) {
  v1::StartTaskRequest request =
      Sh("echo x >/srv/data/f && echo wrote; (echo x >/local/certs/g) 2>&1 | grep -o Read-only; "
         "grep -E ' (/srv/data|/local/certs) ' /proc/self/mountinfo");
  AddVolume("data", "srv/data", &request);
  AddVolume("certs", "/local/certs", &request);
  const TaskOutcome outcome = Run(request);
  EXPECT_THAT(outcome.out, HasSubstr("wrote\nRead-only\n"));
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr(" /srv/data rw,nosuid,nodev"),
                    HasSubstr(" /local/certs ro,nosuid,nodev"), Not(HasSubstr("shared:"))));
  EXPECT_EQ(access(absl::StrCat(directory_, "/data/f").c_str(), F_OK), 0);
}

class MountView : public PolicyView {
 protected:
  std::string Policy() override {
    return absl::StrCat("allowed_mount_sources = [\"", directory_, "\"]\nmin_oom_score_adj = -1\n");
  }

  v1::StartTaskRequest WithBind(const std::string& source, const std::string& script) {
    v1::StartTaskRequest request = Sh(script);
    v1::TaskMount* mount = request.mutable_config()->mutable_config()->add_mounts();
    mount->set_type("bind");
    mount->set_source(source);
    mount->set_destination("/srv/bound");
    return request;
  }
};

TEST_F(MountView, ABindIsThereAndKeepsToItsFlags) {
  v1::StartTaskRequest request =
      WithBind(absl::StrCat(directory_, "/data"),
               "echo x >/srv/bound/f && echo wrote; grep -o ' /srv/bound rw,nosuid,nodev' "
               "/proc/self/mountinfo");
  EXPECT_EQ(Run(request).out, "wrote\n /srv/bound rw,nosuid,nodev\n");
  request = WithBind(absl::StrCat(directory_, "/data"), "echo x >/srv/bound/f");
  request.mutable_config()->mutable_config()->mutable_mounts(0)->set_read_only(true);
  EXPECT_THAT(Run(request).err, HasSubstr("Read-only"));
}

TEST_F(MountView, WhatIsNotAllowedIsNotBound) {
  EXPECT_THAT(cluster().Run(WithBind("/etc", "true")).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("may not be bound")));
  const std::string link = absl::StrCat(directory_, "/link-", RandomId());
  ASSERT_EQ(symlink("/etc", link.c_str()), 0);
  EXPECT_THAT(cluster().Run(WithBind(link, "true")).status(),
              StatusIs(testing::_, HasSubstr("too many levels of symbolic links")));
}

TEST_F(MountView, NamesLimitsAndMemoryAreTheTasks) {
  v1::StartTaskRequest request =
      Sh("uname -n; tail -n 1 /etc/hosts; cat /etc/hostname; ulimit -Hn; ulimit -Sn;"
         "cat /proc/self/oom_score_adj; stat -f -c '%b %S' /dev/shm /scratch; (: >/tmp/f) 2>&1 |"
         "grep -o Read-only; cat /etc/resolv.conf");
  v1::ExecConfig* config = request.mutable_config()->mutable_config();
  config->set_hostname("web");
  config->set_oom_score_adj(7);
  config->set_shm_size(8192);
  v1::Rlimit* rlimit = config->add_rlimits();
  rlimit->set_name("nofile");
  rlimit->set_soft("64");
  rlimit->set_hard("128");
  v1::TaskMount* scratch = config->add_mounts();
  scratch->set_type("tmpfs");
  scratch->set_destination("/scratch");
  scratch->set_size(16384);
  v1::TaskMount* tmp = config->add_mounts();
  tmp->set_type("own");
  tmp->set_destination("/tmp");
  config->mutable_dns()->add_servers("192.0.2.1");
  config->mutable_dns()->add_searches("example.org");
  config->mutable_dns()->add_options("ndots:2");
  EXPECT_EQ(Run(request).out,
            "web\n127.0.1.1 web\nweb\n128\n64\n7\n2 4096\n4 4096\nRead-only\n"
            "nameserver 192.0.2.1\nsearch example.org\noptions ndots:2\n");
}

TEST_F(MountView, WhatTheNodeDoesNotGiveIsRefusedAtOnce) {
  v1::StartTaskRequest request = Sh("true");
  v1::ExecConfig* config = request.mutable_config()->mutable_config();
  config->set_oom_score_adj(-2);
  v1::Rlimit* rlimit = config->add_rlimits();
  rlimit->set_name("core");
  rlimit->set_hard("unlimited");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("under this node's floor of -1"),
                             HasSubstr("CORE unlimited is over this node's ceiling of 0"))));
}

class DeviceView : public PolicyView {
 protected:
  // A node of /dev/fuse that everybody may open.
  std::string Policy() override {
    const std::string node = absl::StrCat(directory_, "/fuse");
    if (access(node.c_str(), F_OK) != 0) {
      EXPECT_EQ(mknod(node.c_str(), S_IFCHR | 0666, makedev(10, 229)), 0);
      EXPECT_EQ(chmod(node.c_str(), 0666), 0);
    }
    return absl::StrCat("allowed_devices = { \"", node, "\" = \"r\" }\n");
  }

  v1::StartTaskRequest WithDevice(const std::string& permissions) {
    v1::StartTaskRequest request =
        Sh("(exec 3</dev/fuse) && echo read; (exec 3<>/dev/fuse) && echo wrote");
    v1::Device* device = request.mutable_config()->mutable_config()->add_devices();
    device->set_host_path(absl::StrCat(directory_, "/fuse"));
    device->set_task_path("/dev/fuse");
    device->set_permissions(permissions);
    return request;
  }
};

TEST_F(DeviceView, ADeviceIsThereAndHeldToWhatIsAllowed) {
  const absl::StatusOr<TaskOutcome> outcome = cluster().Run(WithDevice(""));
  if (!outcome.ok()) {
    // Without a cgroup v2 hierarchy.
    EXPECT_THAT(outcome.status(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                           HasSubstr("devices need a cgroup v2 hierarchy")));
    return;
  }
  // A kernel without the driver says so to whoever was let through.
  const OwnedFd opened(open(absl::StrCat(directory_, "/fuse").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(outcome->out, opened.valid() ? "read\n" : "");
  EXPECT_THAT(outcome->err, HasSubstr("Operation not permitted"));
  EXPECT_EQ(absl::StrContains(outcome->err, "No such device"), !opened.valid()) << outcome->err;
  EXPECT_EQ(outcome->task.fence().device_filter(), "bpf");
  ASSERT_EQ(outcome->task.fence().devices_size(), 1);
  EXPECT_EQ(outcome->task.fence().devices(0), "/dev/fuse r");
}

TEST_F(DeviceView, MoreThanIsAllowedIsRefused) {
  EXPECT_THAT(cluster().Run(WithDevice("rw")).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("is allowed with \"r\"")));
  v1::StartTaskRequest request = WithDevice("r");
  request.mutable_config()->mutable_config()->mutable_devices(0)->set_host_path("/dev/kmsg");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("allowed_devices")));
}

TEST_F(PolicyView, ACommandIsFoundInAVolumeAbsoluteAndByName) {
  v1::StartTaskRequest request = Sh("");
  AddVolume("certs", "/opt/certs", &request);
  v1::ExecConfig* config = request.mutable_config()->mutable_config();
  config->clear_args();
  config->add_args("a");
  for (const char* command : {"/opt/certs/tool", "tool"}) {
    request.set_request_id(RandomId());
    config->set_command(command);
    EXPECT_EQ(Run(request).out, "/opt/certs/tool a\n") << command;
  }
}

TEST_F(PolicyView, AVolumesFileIsNeverMadeExecutable) {
  const std::string file = absl::StrCat(directory_, "/data/plain");
  std::ofstream(file) << "#!/bin/sh\necho ran\n";
  ASSERT_EQ(chown(file.c_str(), 65534, 65534), 0);
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  v1::StartTaskRequest request = Sh("");
  AddVolume("data", "/local/data", &request);
  request.mutable_config()->mutable_config()->set_command("/local/data/plain");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(testing::_, HasSubstr("EXEC '/local/data/plain': permission denied")));
  struct stat status;
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644u);
}

// A cluster whose volume is no more.
class ReplacedVolume : public PolicyView {};

TEST_F(ReplacedVolume, IsNotMounted) {
  const std::string data = absl::StrCat(directory_, "/data");
  ASSERT_EQ(rename(data.c_str(), absl::StrCat(directory_, "/other").c_str()), 0);
  ASSERT_EQ(symlink("/etc", data.c_str()), 0);
  v1::StartTaskRequest request = Sh("echo ran");
  AddVolume("data", "/srv", &request);
  EXPECT_THAT(cluster().Run(request).status(), StatusIs(testing::_, HasSubstr("TASK_DIRECTORY")));
}

TEST_F(PolicyView, PropagationBeyondTheVolumesIsDenied) {
  v1::StartTaskRequest request = Sh("true");
  AddVolume("data", "/srv", &request)->set_propagation_mode("bidirectional");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("bidirectional")));
}

class HostModes : public PolicyView {
 protected:
  std::string Policy() override {
    return "allow_caps = [\"sys_ptrace\", \"kill\"]\nallow_host_pid_mode = true\n"
           "default_ipc_mode = \"host\"\n";
  }
};

TEST_F(HostModes, AreTheNodesNamespaces) {
  for (const char* name : {"pid", "ipc"}) {
    char ours[64] = {};
    ASSERT_GT(readlink(absl::StrCat("/proc/self/ns/", name).c_str(), ours, sizeof(ours) - 1), 0);
    v1::StartTaskRequest request = Sh(absl::StrCat("readlink /proc/self/ns/", name));
    request.mutable_config()->mutable_config()->set_pid_mode("host");
    EXPECT_EQ(Run(request).out, absl::StrCat(ours, "\n")) << name;
    // pid_mode's default is private, and ipc_mode can be.
    request.set_request_id(RandomId());
    request.mutable_config()->mutable_config()->set_pid_mode("");
    request.mutable_config()->mutable_config()->set_ipc_mode("private");
    EXPECT_NE(Run(request).out, absl::StrCat(ours, "\n")) << name;
  }
}

TEST_F(HostModes, EndsAreTrueAndTakeEverythingAlong) {
  v1::StartTaskRequest request = Sh("setsid sh -c 'while :; do sleep 1000; done' & exit 9");
  request.mutable_config()->mutable_config()->set_pid_mode("host");
  EXPECT_EQ(Run(request).task.exit_result().exit_code(), 9);
  request = Sh("trap 'exit 5' TERM; kill -TERM $$; exit 6");
  request.mutable_config()->mutable_config()->set_pid_mode("host");
  EXPECT_EQ(Run(request).task.exit_result().exit_code(), 5);
  request = Sh("kill -SEGV $$");
  request.mutable_config()->mutable_config()->set_pid_mode("host");
  EXPECT_EQ(Run(request).task.exit_result().signal(), SIGSEGV);
  // TearDown finds what is left.
}

TEST_F(HostModes, ATracerOfTheNodesProcessesIsRefused) {
  v1::StartTaskRequest request = Sh("true");
  request.mutable_config()->mutable_config()->add_cap_add("sys_ptrace");
  EXPECT_THAT(cluster().Run(request), IsOk());
  request.set_request_id(RandomId());
  request.mutable_config()->mutable_config()->set_pid_mode("host");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("sys_ptrace")));
}

class DriversProfile : public PolicyView {
 protected:
  std::string Policy() override { return "ambient_default_caps = true\nno_pivot_root = true\n"; }
};

TEST_F(DriversProfile, FiveSetsAreEqualAndSysChrootIsRefused) {
  v1::StartTaskRequest request = Sh("grep Cap /proc/self/status");
  EXPECT_THAT(cluster().Run(request).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("sys_chroot")));
  request.set_request_id(RandomId());
  request.mutable_config()->mutable_config()->add_cap_drop("sys_chroot");
  const TaskOutcome outcome = Run(request);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_THAT(outcome.out, HasSubstr(absl::StrCat(set, ":\t00000000a80005fb\n")));
  }
}

TEST_F(DriversProfile, TheRootHoldsNothingOfTheNodeElse) {
  v1::StartTaskRequest request =
      Sh("ls -d /home /root /var /.. ; cd ..; ls -d home root var; "
         "mkdir /x; mount -t tmpfs x /tmp; umount -l /; ls /proc/1/root");
  request.mutable_config()->mutable_config()->add_cap_drop("sys_chroot");
  const TaskOutcome outcome = Run(request);
  EXPECT_EQ(outcome.out, "/..\n");
  EXPECT_THAT(outcome.err, HasSubstr("Read-only file system"));
}

}  // namespace
}  // namespace cloister
