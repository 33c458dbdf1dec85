#include "tests/kernel/launch_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "google/protobuf/text_format.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/parent.h"
#include "libs/cgroup/placement.h"
#include "libs/cgroup/slot_parents.h"
#include "libs/cgroup/slot_sweep.h"
#include "libs/launch/launch_threads.h"
#include "libs/launch/report_message.h"
#include "libs/node/host_root.h"
#include "libs/node/read_cgroup_facts.h"
#include "libs/os/directory.h"
#include "libs/os/seqpacket.h"
#include "libs/state/tree_removal.h"

namespace cloister {
namespace {

constexpr char kPlan[] = R"(
  root {
    directories { inside: '/proc' mode: 0555 } directories { inside: '/tmp' mode: 0755 }
    directories { inside: '/local' mode: 0755 } directories { inside: '/alloc' mode: 0755 }
    directories { inside: '/secrets' mode: 0755 }
    links { inside: '/bin' target: 'usr/bin' } links { inside: '/lib' target: 'usr/lib' }
    links { inside: '/lib64' target: 'usr/lib64' }
    binds { outside: '/usr' inside: '/usr' } binds { outside: '/etc' inside: '/etc' }
    masked_sys_directories: '/sys/firmware'
  }
  mounts { kind: KIND_PROC inside: '/proc' }
  mounts { kind: KIND_DEVPTS inside: '/dev/pts' }
  mounts { kind: KIND_TMPFS inside: '/dev/shm' size_bytes: 1048576 mode: 1023 noexec: true }
  mounts { kind: KIND_MQUEUE inside: '/dev/mqueue' }
  mounts { kind: KIND_TASK_DIRECTORY inside: '/tmp' source: 'tmp' mode: 1023 }
  mounts { kind: KIND_TASK_DIRECTORY inside: '/local' source: 'local' mode: 448 }
  mounts { kind: KIND_TASK_DIRECTORY inside: '/alloc' source: 'alloc' mode: 493
           parts { name: 'data' mode: 448 owned: true } parts { name: 'tmp' mode: 448 owned: true }
           parts { name: 'logs' mode: 493 } }
  mounts { kind: KIND_TMPFS inside: '/secrets' size_bytes: 1048576 mode: 448 noexec: true owned: true }
  masks { kind: KIND_READ_ONLY inside: '/proc/sys' }
  masks { kind: KIND_HIDDEN_FILE inside: '/proc/keys' }
  masks { kind: KIND_HIDDEN_DIRECTORY inside: '/proc/fs' }
  rlimits { resource: 4 soft: 0 hard: 0 }
  identity { uid: 65534 gid: 65534 groups: 7 user_name: 'nobody' home: '/' }
  capabilities { bounding: 2818835963 }
  exec { candidates: '/bin/sh' args: '-c' args: 'exit 0' env: 'PATH=/usr/bin:/bin' work_dir: '/' }
  no_new_privs: true
  namespaces: 0x2e020000
  stop { signal: 15 grace_ms: 5000 }
  umask: 18
)";

// Names beneath `directory`, one line each: enough to see what was left.
std::string ListDirectory(const std::string& directory) {
  std::vector<std::string> names;
  if (DIR* stream = opendir(directory.c_str())) {
    while (const dirent* entry = readdir(stream)) names.push_back(entry->d_name);
    closedir(stream);
  }
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string& name : names) absl::StrAppend(&list, directory, "/", name, "\n");
  return list;
}

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  std::stringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

}  // namespace

void LaunchFixture::SetUp() {
  ASSERT_EQ(geteuid(), 0u) << "this test launches tasks as root";
  // What the test runner has left open.
  close_range(3, ~0U, 0);
  absl::StatusOr<node::HostRoot> host = node::HostRoot::Open("/");
  ASSERT_THAT(host, IsOk());
  absl::StatusOr<node::CgroupFacts> facts = node::ReadCgroupFacts(*host);
  ASSERT_THAT(facts, IsOk());
  facts_ = *facts;
  parent_ = absl::StrCat("cloister-test-", getpid());
  if (HasCgroups()) {
    ASSERT_THAT(cgroup::MakeParent(facts_, parent_), IsOk());
  }
  directory_ = "/var/tmp/cloister-launch-XXXXXX";
  ASSERT_NE(mkdtemp(&directory_[0]), nullptr);
}

void LaunchFixture::TearDown() {
  site_.reset();
  if (HasCgroups()) RemoveCgroups();
  const absl::StatusOr<OwnedFd> directory = OpenDirectory(directory_);
  ASSERT_THAT(directory, IsOk());
  EXPECT_THAT(state::RemoveContents(directory->get(), directory_, ""), IsOk());
  EXPECT_EQ(rmdir(directory_.c_str()), 0);
}

void LaunchFixture::RemoveCgroups() const {
  // This process sits in <parent>/supervisor: back to where it was.
  for (const node::CgroupHierarchy& hierarchy : facts_.hierarchies) {
    std::ofstream(absl::StrCat(hierarchy.mount_point, "/", hierarchy.own_path, "/cgroup.procs"))
        << getpid();
  }
  EXPECT_THAT(cgroup::RemoveParent(facts_, parent_, absl::Seconds(5)), IsOk());
}

internal::LaunchPlan LaunchFixture::DefaultPlan() const {
  internal::LaunchPlan plan;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kPlan, &plan));
  if (!HasCgroups()) return plan;
  absl::StatusOr<internal::CgroupPlan> cgroups =
      cgroup::PlaceTask(facts_, parent_, cgroup::TaskLimits());
  EXPECT_THAT(cgroups, IsOk());
  *plan.mutable_cgroup() = *cgroups;
  return plan;
}

void LaunchFixture::MakeSite(int step, int error) {
  site_.reset();
  threads_ = nullptr;
  launch::LaunchSiteOptions options;
  options.slot_prefix = "t";
  options.ready_slots = 2;
  // What is made ahead would be taken for what a failed launch has left.
  if (step != 0) options.ready_namespaces = 0;
  options.fail_step = step;
  options.fail_error = error;
  absl::StatusOr<std::unique_ptr<launch::LaunchSite>> site = launch::LaunchSite::Make(options);
  ASSERT_THAT(site, IsOk());
  site_ = *std::move(site);
  ASSERT_THAT(site_->Prepare(DefaultPlan()), IsOk());
}

absl::variant<launch::LaunchedTask, internal::LaunchFailure> LaunchFixture::Launch(
    internal::LaunchPlan plan) {
  // A thread for each site, never ended: it is its tasks' parent.
  if (threads_ == nullptr) threads_ = new launch::LaunchThreads(site_.get(), 1);
  launch::LaunchJob job;
  job.task_id = "task";
  job.plan = std::move(plan);
  job.task_directory = *OpenDirectory(directory_);
  absl::variant<launch::LaunchedTask, internal::LaunchFailure> result;
  absl::Notification done;
  threads_->Submit(std::move(job), [&](auto outcome) {
    result = std::move(outcome);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

int LaunchFixture::AwaitExit(const launch::LaunchedTask& task) {
  int status = -1;
  pollfd entry = {task.report.get(), POLLIN, 0};
  while (poll(&entry, 1, -1) > 0) {
    absl::StatusOr<Packet> packet = ReceivePacket(task.report.get());
    if (!packet.ok()) break;
    const auto* message = reinterpret_cast<const launch::ReportMessage*>(packet->bytes.data());
    if (message->kind == launch::kReportExited) status = message->wait_status;
    if (message->kind == launch::kReportFailed) status = -message->error;
  }
  EXPECT_THAT(task.init.WaitAndReap(), IsOk());
  return status;
}

std::string LaunchFixture::Output(const launch::LaunchedTask& task) {
  std::string output;
  char piece[65536];
  for (;;) {
    const ssize_t size = read(task.stdout_pipe.read.get(), piece, sizeof(piece));
    if (size <= 0) return output;
    output.append(piece, static_cast<size_t>(size));
  }
}

void LaunchFixture::SweepSlots(const std::string& prefix) {
  auto parents = cgroup::OpenSlotParents(DefaultPlan().cgroup());
  ASSERT_THAT(parents, IsOk());
  EXPECT_THAT(cgroup::SweepSlots(*parents, prefix, absl::Seconds(5)), IsOk());
}

Residue LaunchFixture::Measure() const {
  Residue residue;
  const std::string descriptors = ListDirectory("/proc/self/fd");
  residue.descriptors = static_cast<int>(std::count(descriptors.begin(), descriptors.end(), '\n'));
  residue.mounts = ReadFile("/proc/self/mountinfo");
  residue.children = waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD;
  return residue;
}

}  // namespace cloister
