// Out of the root and into places of the host by paths that a task chooses, plants or swaps.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "tests/attack/attack_fixture.h"
#include "tests/attack/effort.h"

namespace cloister {
namespace {

using testing::HasSubstr;

class PathAttack : public AttackTest {
 protected:
  // A user cannot empty a directory of what belongs to the user's other ids.
  bool SharesItsCluster() const override { return !IsRootless(); }

  std::string Policy() override {
    return absl::StrCat("allowed_mount_sources = [\"", data(), "\"]\n");
  }

  // Looks for the canaries from its working directory and by all other ways.
  v1::StartTaskRequest Reach() const {
    std::vector<std::string> words = {Payload("attack"), "reach"};
    for (const std::string& path : canaries_paths_) words.push_back(path);
    return Command(words);
  }

  void SetUp() override {
    AttackTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) canaries_paths_ = canaries().paths();
  }

  // What was refused has reached nothing either.
  static void ExpectNothingReached(const std::string& out, const std::string& trace) {
    if (out.empty()) return;
    EXPECT_THAT(out, HasSubstr("\nreached 0\n")) << trace;
  }

  std::string Data(const std::string& name) const { return absl::StrCat(data(), "/", name); }

  std::string MakeData(const std::string& name, const std::string& token) const {
    const std::string path = Data(name);
    EXPECT_EQ(mkdir(path.c_str(), 0777), 0);
    EXPECT_EQ(chmod(path.c_str(), 0777), 0);
    if (!token.empty()) std::ofstream(absl::StrCat(path, "/token")) << token << "\n";
    return path;
  }

 private:
  std::vector<std::string> canaries_paths_;
};

TEST_P(PathAttack, NothingOfTheHostIsInSight) {
  const std::string out = Run(Reach()).out;
  EXPECT_GT(Numbers(out)["tried"], 100);
  EXPECT_EQ(Numbers(out)["reached"], 0) << out;
}

// workdir-proc-fd (CVE-2024-21626).
TEST_P(PathAttack, AWorkDirThroughADescriptorLeadsNowhere) {
  std::vector<std::string> directories = {"/proc/self/root/..", "/proc/1/root", "/proc/1/cwd/..",
                                          "/dev/fd/4", "/proc/self/cwd"};
  const int numbers = static_cast<int>(Effort(9, 1024));
  for (int fd = 0; fd < numbers; ++fd) {
    directories.push_back(absl::StrCat("/proc/self/fd/", fd));
    if (fd % 3 == 0) directories.push_back(absl::StrCat("/proc/1/fd/", fd, "/.."));
  }
  for (const std::string& directory : directories) {
    v1::StartTaskRequest request = Reach();
    ConfigOf(&request)->set_work_dir(directory);
    ExpectNothingReached(OutputIfItRuns(request), directory);
  }
  ReportEffort("workdir-proc-fd", GetParam().name.c_str(), "work_dirs",
               static_cast<long>(directories.size()));
}

// workdir-swap.
TEST_P(PathAttack, AWorkDirThatIsSwappedLeadsNowhere) {
  const std::string link = Data("link");
  for (const char* target : {"/proc/self/fd/4", "/proc/1/root/../..", "../../../../.."}) {
    const std::string directory = MakeData("directory", "");
    ASSERT_EQ(symlink(target, link.c_str()), 0);
    Race("workdir-swap", directory, link, Effort(6, 400), [&] {
      v1::StartTaskRequest request = Reach();
      MountData("/srv", &request);
      ConfigOf(&request)->set_work_dir("/srv/directory");
      ExpectNothingReached(OutputIfItRuns(request), target);
    });
    // One of them is the link now.
    for (const std::string& path : {directory, link}) {
      EXPECT_TRUE(rmdir(path.c_str()) == 0 || unlink(path.c_str()) == 0) << path;
    }
  }
}

// mount-source-swap (CVE-2021-25741).
TEST_P(PathAttack, ABindWhoseSourceIsSwappedShowsNoOtherDirectory) {
  const std::string source = MakeData("source", "allowed");
  const std::string link = Data("link");
  ASSERT_EQ(symlink(canaries().directory().c_str(), link.c_str()), 0);
  long mounted = 0;
  Race("mount-source-swap", source, link, Effort(6, 400), [&] {
    v1::StartTaskRequest request = Sh(
        "cat /bound/token && echo x 2>/dev/null >/bound/entry; ls -A /bound | grep -vx -e token -e "
        "entry");
    v1::TaskMount* mount = ConfigOf(&request)->add_mounts();
    mount->set_type("bind");
    mount->set_source(source);
    mount->set_destination("/bound");
    mount->set_read_only(HasReadOnlyDirectories());
    const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    if (!outcome.ok()) return;
    ++mounted;
    EXPECT_EQ(outcome->out, "allowed\n");
    Destroy(outcome->task.id());
  });
  ReportEffort("mount-source-swap", GetParam().name.c_str(), "mounted", mounted);
}

// mount-dest-race (CVE-2021-30465, CVE-2017-1002101): no mount's place is in another's, where a
// task could swap it. What the launcher would do: mount_race_test.
TEST_P(PathAttack, AMountInWhatTasksCanWriteIsRefusedByItsText) {
  const std::string source = MakeData("source", "bound");
  MakeData("place", "");
  for (const char* type : {"bind", "tmpfs"}) {
    for (const char* place : {"/srv/place", "/srv/place/deep", "/srv", "/srv/./place"}) {
      v1::StartTaskRequest request = Sh("true");
      MountData("/srv", &request);
      v1::TaskMount* mount = ConfigOf(&request)->add_mounts();
      mount->set_type(type);
      if (absl::string_view(type) == "bind") mount->set_source(source);
      mount->set_read_only(HasReadOnlyDirectories());
      if (absl::string_view(type) == "tmpfs") mount->set_size(4096);
      mount->set_destination(place);
      EXPECT_THAT(cluster().Run(request), StatusIs(absl::StatusCode::kInvalidArgument)) << place;
    }
  }
}

// devnull-symlink, devdir-symlink, pts-symlink, proc-symlink (CVE-2025-31133, -52565, -52881): a
// task has no root of its own making; what it can is mount where ours is.
TEST_P(PathAttack, NothingOfTheTasksComesOverWhatIsOurs) {
  MakeData("source", "");
  ASSERT_EQ(symlink(canaries().file().c_str(), Data("source/null").c_str()), 0);
  ASSERT_EQ(symlink(canaries().directory().c_str(), Data("source/pts").c_str()), 0);
  ASSERT_EQ(symlink(canaries().directory().c_str(), Data("source/self").c_str()), 0);
  for (const char* place :
       {"/", "/dev", "/dev/null", "/dev/pts", "/dev/mqueue", "/dev/.empty", "/proc", "/proc/self",
        "/proc/sys", "/proc/keys", "/sys", "/sys/fs/cgroup", "/sys/firmware"}) {
    for (const char* type : {"bind", "tmpfs"}) {
      v1::StartTaskRequest request = Sh(
          "test -c /dev/null && test -d /proc/1 && test ! -s /proc/keys && test -c /dev/pts/ptmx "
          "&& echo ours");
      v1::TaskMount* mount = ConfigOf(&request)->add_mounts();
      mount->set_type(type);
      if (absl::string_view(type) == "bind") mount->set_source(Data("source"));
      mount->set_read_only(HasReadOnlyDirectories());
      if (absl::string_view(type) == "tmpfs") mount->set_size(4096);
      mount->set_destination(place);
      const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
      if (!outcome.ok()) continue;
      EXPECT_EQ(outcome->out, "ours\n") << type << " on " << place;
      Destroy(outcome->task.id());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, PathAttack, testing::ValuesIn(Cells()), CellName);

}  // namespace
}  // namespace cloister
