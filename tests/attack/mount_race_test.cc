// mount-dest-race (CVE-2021-30465, CVE-2017-1002101, CVE-2024-45310): a task swaps the place that
// others' mounts go to, in a directory that all of them may write, for a link. No request comes to
// that: of two mounts of a task none may lie in the other, and what else is in its root is its own
// or read-only (path_attack_test). So these are plans that the executor never makes, carried out by
// the launcher, whose own wall this is: root's, or, where CLOISTER_ATTACK_ROOTLESS says so, that of
// an ordinary user with one id, in a user namespace as the executor makes it.
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cloister/internal/launcher.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "tests/attack/canaries.h"
#include "tests/attack/effort.h"
#include "tests/kernel/launch_fixture.h"
#include "tests/testing/ordinary_user.h"

namespace cloister {
namespace {

using internal::LaunchPlan;
using internal::Mount;

constexpr char kPlace[] = "/srv/place";
constexpr char kLink[] = "/srv/link";
constexpr uint32_t kUser = 12350;

bool IsRootless() { return getenv("CLOISTER_ATTACK_ROOTLESS") != nullptr; }

struct Racer {
  std::string name;
  uint32_t uid;
  bool own_ids;
  // By mount(2), as on a kernel without open_tree and its kin.
  bool classic;
  // What is mounted; beneath the place that is swapped or on it.
  Mount::Kind kind;
  bool beneath;
};

class MountRace : public LaunchFixture, public testing::WithParamInterface<Racer> {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (HasFatalFailure()) return;
    MakeSite(0, 0);
    char* const payload = realpath(getenv("CLOISTER_TEST_PAYLOAD"), nullptr);
    ASSERT_NE(payload, nullptr);
    payloads_ = payload;
    payloads_.resize(payloads_.rfind('/'));
    free(payload);
    ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
    for (const char* name :
         {"/shared", "/shared/place", "/shared/place/deep", "/source", "/canaries"}) {
      const std::string path = absl::StrCat(directory_, name);
      ASSERT_EQ(mkdir(path.c_str(), 0777), 0);
      ASSERT_EQ(chmod(path.c_str(), 0777), 0);
    }
    auto canaries =
        Canaries::Plant(absl::StrCat(directory_, "/canaries"), absl::StrCat(payloads_, "/attack"));
    ASSERT_THAT(canaries, IsOk());
    canaries_ = *std::move(canaries);
  }

  void TearDown() override {
    if (canaries_ != nullptr) {
      for (const std::string& injury : canaries_->Injuries()) ADD_FAILURE() << injury;
    }
    LaunchFixture::TearDown();
  }

  bool HasCgroups() const override { return !IsRootless(); }

  // As plan::AdaptToUserNamespace has it for one id.
  LaunchPlan DefaultPlan() const override {
    LaunchPlan plan = LaunchFixture::DefaultPlan();
    if (!IsRootless()) return plan;
    plan.mutable_root()->set_without_root(true);
    for (Mount& mount : *plan.mutable_mounts()) {
      if (mount.kind() == Mount::KIND_DEVPTS) mount.set_without_tty_gid(true);
    }
    plan.mutable_capabilities()->Clear();
    plan.mutable_identity()->set_uid(kUser);
    plan.mutable_identity()->set_gid(kUser);
    plan.mutable_identity()->clear_groups();
    plan.mutable_identity()->mutable_user_namespace()->set_outside_uid(0);
    plan.mutable_identity()->mutable_user_namespace()->set_outside_gid(0);
    plan.set_namespaces(plan.namespaces() | CLONE_NEWUSER);
    return plan;
  }

  // A launch closes the memory that it shares, this process's, and with it, as it was made outside
  // of the user namespace, what the next one has to write of itself. That of a launcher is made
  // inside.
  auto LaunchOpen(LaunchPlan plan) {
    EXPECT_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
    return Launch(std::move(plan));
  }

  // With the shared directory on /srv, and on /victim the one that a link would lead to.
  LaunchPlan PlanOf(const std::vector<std::string>& words) const {
    LaunchPlan plan = DefaultPlan();
    for (const char* inside :
         {"/srv", "/srv/place", "/srv/place/deep", "/victim", "/victim/deep"}) {
      auto* directory = plan.mutable_root()->add_directories();
      directory->set_inside(inside);
      directory->set_mode(0755);
    }
    auto* bind = plan.mutable_root()->add_binds();
    bind->set_outside(payloads_);
    bind->set_inside("/payloads");
    AddDirectory("/shared", "/srv", &plan);
    plan.mutable_exec()->set_candidates(0, words.front());
    plan.mutable_exec()->clear_args();
    for (size_t i = 1; i < words.size(); ++i) plan.mutable_exec()->add_args(words[i]);
    return plan;
  }

  Mount* AddDirectory(const std::string& name, const std::string& inside, LaunchPlan* plan) const {
    Mount* mount = plan->add_mounts();
    mount->set_kind(Mount::KIND_HOST_DIRECTORY);
    mount->set_outside(absl::StrCat(directory_, name));
    mount->set_inside(inside);
    return mount;
  }

  // The one that is attacked: it says where all that is mounted is.
  LaunchPlan Start() const {
    LaunchPlan plan =
        PlanOf({"/bin/sed", "-nE", "s/^([^ ]+ ){4}([^ ]+) .*/\\2/p", "/proc/self/mountinfo"});
    BecomeUser(&plan);
    plan.mutable_root()->set_classic_mounts(GetParam().classic);
    const std::string inside = absl::StrCat(kPlace, GetParam().beneath ? "/deep" : "");
    Mount* mount = AddDirectory("/source", inside, &plan);
    if (GetParam().kind != Mount::KIND_TMPFS) return plan;
    mount->clear_outside();
    mount->set_kind(Mount::KIND_TMPFS);
    mount->set_size_bytes(65536);
    mount->set_mode(0700);
    mount->set_owned(true);
    mount->set_chosen(true);
    return plan;
  }

  static void BecomeUser(LaunchPlan* plan) {
    if (IsRootless()) return;
    const uint32_t uid = GetParam().uid;
    plan->mutable_identity()->set_uid(uid);
    plan->mutable_identity()->set_gid(uid);
    if (!GetParam().own_ids) return;
    constexpr uint32_t kFirst = 1879048192;
    constexpr uint32_t kCount = 65536;
    plan->mutable_identity()->clear_groups();
    auto* ids = plan->mutable_identity()->mutable_user_namespace();
    ids->set_first(kFirst);
    ids->set_count(kCount);
    ids->set_outside_uid(kFirst + uid);
    ids->set_outside_gid(kFirst + uid);
    ids->set_all_volume_ids(true);
    plan->set_namespaces(plan->namespaces() | CLONE_NEWUSER);
  }

  std::string Finish(launch::LaunchedTask& task) {
    EXPECT_EQ(AwaitExit(task), 0);
    const std::string out = Output(task);
    if (HasCgroups()) task.pool->Discard(std::move(task.slot));
    return out;
  }

  // The mount points of a task, and how many of them are where the race has them.
  static std::multiset<std::string> Elsewhere(const std::string& out, long* placed) {
    std::multiset<std::string> points;
    for (absl::string_view line : absl::StrSplit(out, '\n', absl::SkipEmpty())) {
      absl::string_view base = line;
      if (GetParam().beneath) absl::ConsumeSuffix(&base, "/deep");
      if (base == kPlace || base == kLink) {
        ++*placed;
      } else {
        points.emplace(line);
      }
    }
    return points;
  }

  std::string payloads_;
  std::unique_ptr<Canaries> canaries_;
};

TEST_P(MountRace, AMountWhosePlaceIsSwappedLiesThereOrNowhere) {
  long placed = 0;
  auto result = LaunchOpen(Start());
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(result))
      << absl::get<internal::LaunchFailure>(result).ShortDebugString();
  const auto before = Elsewhere(Finish(absl::get<launch::LaunchedTask>(result)), &placed);
  ASSERT_EQ(placed, 1);

  ASSERT_EQ(symlink("../victim", absl::StrCat(directory_, "/shared/link").c_str()), 0);
  auto started = LaunchOpen(PlanOf({"/payloads/attack", "flip", kPlace, kLink, "/srv/stop"}));
  ASSERT_TRUE(absl::holds_alternative<launch::LaunchedTask>(started));
  launch::LaunchedTask& accomplice = absl::get<launch::LaunchedTask>(started);

  const long enough = Effort(24, 5000);
  long mounted = 0;
  long refused = 0;
  long elsewhere = 0;
  for (long i = 0; i < 50 * enough && (mounted < enough || refused < enough); ++i) {
    auto start = LaunchOpen(Start());
    if (const auto* failure = absl::get_if<internal::LaunchFailure>(&start)) {
      const bool at_the_place =
          failure->step() == internal::LAUNCH_STEP_MOUNTS && failure->error_number() == ELOOP;
      EXPECT_TRUE(at_the_place) << failure->ShortDebugString();
      (at_the_place ? refused : elsewhere) += 1;
      if (elsewhere > 0) break;
      continue;
    }
    placed = 0;
    EXPECT_EQ(Elsewhere(Finish(absl::get<launch::LaunchedTask>(start)), &placed), before);
    EXPECT_EQ(placed, 1);
    ++mounted;
  }
  std::ofstream(absl::StrCat(directory_, "/shared/stop")) << "x";
  const std::vector<std::string> words = absl::StrSplit(Finish(accomplice), ' ');
  long flips = 0;
  ASSERT_TRUE(absl::SimpleAtoi(words.back(), &flips));

  const char* const cell = GetParam().name.c_str();
  ReportEffort("mount-dest-race", cell, "flips", flips);
  ReportEffort("mount-dest-race", cell, "mounted", mounted);
  ReportEffort("mount-dest-race", cell, "refused by the launcher", refused);
  EXPECT_GE(flips, Flips());
  EXPECT_GE(mounted, enough);
  EXPECT_GE(refused, enough);
}

std::vector<Racer> Racers() {
  constexpr Mount::Kind kDirectory = Mount::KIND_HOST_DIRECTORY;
  if (IsRootless()) {
    return {{"Rootless", kUser, false, false, kDirectory, false},
            {"RootlessBeneath", kUser, false, false, kDirectory, true},
            {"RootlessMemory", kUser, false, false, Mount::KIND_TMPFS, true}};
  }
  std::vector<Racer> racers = {
      {"Nobody", 65534, false, false, kDirectory, false},
      {"Uid0", 0, false, false, kDirectory, true},
      {"Memory", 65534, false, false, Mount::KIND_TMPFS, true},
      {"NobodyWithoutMountCalls", 65534, false, true, kDirectory, false},
      {"MemoryWithoutMountCalls", 65534, false, true, Mount::KIND_TMPFS, true}};
  // Without a disk the guest has nothing but a tmpfs, which is id-mapped since Linux 6.3.
  if (getenv("CLOISTER_TEST_GUEST") == nullptr || getenv("CLOISTER_TEST_DISK") != nullptr) {
    racers.push_back({"RootOfItsOwnIds", 0, true, false, kDirectory, false});
  }
  return racers;
}

INSTANTIATE_TEST_SUITE_P(Cells, MountRace, testing::ValuesIn(Racers()),
                         [](const testing::TestParamInfo<Racer>& info) { return info.param.name; });

bool Write(const char* path, const std::string& text) {
  const OwnedFd file(open(path, O_WRONLY | O_CLOEXEC));
  return write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// As services/executor/rootless.cc does it.
bool EnterUserNamespace() {
  const std::string map = absl::StrCat("0 ", kUser, " 1");
  return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && Write("/proc/self/setgroups", "deny") &&
         Write("/proc/self/uid_map", map) && Write("/proc/self/gid_map", map);
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  std::unique_ptr<cloister::OrdinaryUser> user;
  if (cloister::IsRootless()) {
    cloister::OrdinaryUserOptions options;
    options.id = cloister::kUser;
    user = std::make_unique<cloister::OrdinaryUser>(options);
    if (!cloister::EnterUserNamespace()) {
      std::perror("user namespace");
      return 1;
    }
    // Taken from the environment before main: a report where only root may write.
    testing::GTEST_FLAG(output) = "";
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
