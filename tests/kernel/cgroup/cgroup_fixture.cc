#include "tests/kernel/cgroup/cgroup_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/cgroup/parent.h"
#include "libs/node/host_root.h"
#include "libs/node/read_cgroup_facts.h"

namespace cloister::cgroup {
namespace {

// In the child of a clone that copied this process, other threads' locks included: system calls
// only.
[[noreturn]] void JoinAndExecute(const JoinFds& fds, char* const* argv) {
  for (const int fd : fds.tasks) {
    if (write(fd, "0", 1) != 1) _exit(126);
  }
  execv(argv[0], argv);
  _exit(127);
}

}  // namespace

void CgroupFixture::SetUp() {
  if (geteuid() != 0) {
    if (getenv("CLOISTER_REQUIRE_ROOT") != nullptr) FAIL() << "needs root";
    GTEST_SKIP() << "needs root";
  }
  absl::StatusOr<node::HostRoot> host = node::HostRoot::Open("/");
  ASSERT_THAT(host, IsOk());
  absl::StatusOr<node::CgroupFacts> facts = node::ReadCgroupFacts(*host);
  ASSERT_THAT(facts, IsOk());
  facts_ = *std::move(facts);
  ASSERT_NE(facts_.layout, node::CgroupLayout::kNone) << "this machine has no cgroups";
  parent_ = absl::StrCat("cloister-test-", getpid());
  ASSERT_THAT(MakeParent(facts_, parent_), IsOk());
}

void CgroupFixture::TearDown() {
  if (parent_.empty()) return;
  for (const std::unique_ptr<Member>& member : members_) {
    if (!member->pidfd.valid()) continue;
    (void)member->pidfd.Signal(SIGKILL);
    (void)member->pidfd.WaitAndReap();
  }
  GoBack();
  EXPECT_THAT(RemoveParent(facts_, parent_, absl::Seconds(10)), IsOk());
  EXPECT_EQ(Existing("."), std::vector<std::string>());
}

internal::CgroupPlan CgroupFixture::Plan(const TaskLimits& limits) const {
  absl::StatusOr<internal::CgroupPlan> plan = PlaceTask(facts_, parent_, limits);
  EXPECT_THAT(plan, IsOk());
  return *std::move(plan);
}

internal::CgroupPlan CgroupFixture::PlanOfV1Alone(const TaskLimits& limits) const {
  internal::CgroupPlan plan = Plan(limits);
  auto* hierarchies = plan.mutable_hierarchies();
  hierarchies->erase(std::remove_if(hierarchies->begin(), hierarchies->end(),
                                    [](const auto& hierarchy) { return hierarchy.unified(); }),
                     hierarchies->end());
  return plan;
}

bool CgroupFixture::HasV1() const { return facts_.layout != node::CgroupLayout::kV2; }

std::shared_ptr<const SlotParents> CgroupFixture::Parents(const internal::CgroupPlan& plan) const {
  absl::StatusOr<std::shared_ptr<const SlotParents>> parents = OpenSlotParents(plan);
  EXPECT_THAT(parents, IsOk());
  return *std::move(parents);
}

CgroupSlot CgroupFixture::MakeSlot(const internal::CgroupPlan& plan,
                                   const std::string& name) const {
  absl::StatusOr<CgroupSlot> slot = CgroupSlot::Create(Parents(plan), name);
  EXPECT_THAT(slot, IsOk());
  EXPECT_THAT(slot->Limit(plan), IsOk());
  return *std::move(slot);
}

Member& CgroupFixture::StartIn(const CgroupSlot& slot, const std::vector<std::string>& argv) {
  const JoinFds fds = slot.GetJoinFds();
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  int pidfd = -1;
  clone_args args;
  std::memset(&args, 0, sizeof(args));
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (fds.clone_into >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(fds.clone_into);
  }
  int running[2];
  EXPECT_EQ(pipe2(running, O_CLOEXEC), 0);
  const OwnedFd reader(running[0]);
  OwnedFd writer(running[1]);
  const auto pid = syscall(SYS_clone3, &args, sizeof(args));
  if (pid == 0) JoinAndExecute(fds, arguments.data());
  EXPECT_GT(pid, 0) << strerror(errno);
  // The child's exec closes the last writing end.
  writer.reset();
  char nothing;
  EXPECT_EQ(read(reader.get(), &nothing, 1), 0);
  members_.push_back(std::make_unique<Member>());
  members_.back()->pid = static_cast<pid_t>(pid);
  members_.back()->pidfd = PidFd(OwnedFd(pidfd));
  return *members_.back();
}

Member& CgroupFixture::SleepIn(const CgroupSlot& slot) {
  return StartIn(slot, {"tests/payloads/sleep_forever"});
}

int CgroupFixture::WaitFor(Member& member) {
  absl::StatusOr<int> status = member.pidfd.WaitAndReap();
  EXPECT_THAT(status, IsOk());
  member.pidfd = PidFd();
  return status.value_or(-1);
}

absl::Status CgroupFixture::RemoveSoon(CgroupSlot& slot) {
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (true) {
    absl::Status status = slot.Remove();
    if (status.ok() || absl::Now() > deadline) return status;
    (void)poll(nullptr, 0, 1);
  }
}

std::vector<std::string> CgroupFixture::Existing(const std::string& rest) const {
  std::vector<std::string> existing;
  for (const node::CgroupHierarchy& hierarchy : facts_.hierarchies) {
    const std::string path = absl::StrCat(hierarchy.mount_point, "/", parent_, "/", rest);
    if (access(path.c_str(), F_OK) == 0) existing.push_back(path);
  }
  return existing;
}

std::string CgroupFixture::ReadAll(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void CgroupFixture::GoBack() {
  for (const node::CgroupHierarchy& hierarchy : facts_.hierarchies) {
    std::ofstream(absl::StrCat(hierarchy.mount_point, "/", hierarchy.own_path, "/cgroup.procs"))
        << "0";
  }
}

}  // namespace cloister::cgroup
