// devnull-symlink, devdir-symlink, pts-symlink, proc-symlink, etc-files-preplanted: a root with
// content that tenants have made, as the runtimes take it from an image. Ours comes from the
// operator, who may name a tree that tenants write to: a first task plants what it likes in its
// entries, and swaps them while others start.
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/attack/attack_fixture.h"
#include "tests/attack/effort.h"

namespace cloister {
namespace {

using testing::HasSubstr;

// What the runtimes were led astray by is there and is the kernel's and ours.
constexpr char kOurs[] =
    "exec 2>&1; test -c /dev/null && test ! -L /dev/null && test -d /proc/1 && test ! -L /proc && "
    "test ! -s /proc/keys && test -c /dev/pts/ptmx && test ! -L /dev/pts && "
    "stat -f -c %T /proc | grep -qx proc && echo ours;";

class HostileRoot : public AttackTest {
 protected:
  // A user cannot empty a directory of what belongs to the user's other ids.
  bool SharesItsCluster() const override { return !IsRootless(); }

  LocalClusterOptions Options() override {
    LocalClusterOptions options = AttackTest::Options();
    case_ = RandomId().substr(0, 8);
    MakeRoot();
    const std::string payload = HostPayload("attack");
    char* const payloads = realpath(payload.substr(0, payload.rfind('/')).c_str(), nullptr);
    std::string entries = absl::StrCat(payloads, ":/payloads,/usr:/usr");
    free(payloads);
    for (const char* name : {"/bin", "/lib", "/lib64"}) {
      absl::StrAppend(&entries, ",", name, ":", name);
    }
    absl::StrAppend(&entries, ",", root_, "/etc:/etc,", root_, "/opt:/opt");
    options.executor_flags.push_back(absl::StrCat("--chroot_env=", entries));
    return options;
  }

  std::string Policy() override {
    root_ = absl::StrCat(directory_, "/root");
    return absl::StrCat("host_volume \"root\" { path = \"", root_,
                        "\" }\nartifact {\n  file_sources = [\"", root_, "\"]\n}\n");
  }

  // As if nobody had been at it. What the node was told of stay the same directories.
  void MakeRoot() {
    const bool is_new = access(root_.c_str(), F_OK) != 0;
    for (const char* name : {"", "/etc", "/opt"}) {
      const std::string path = absl::StrCat(root_, name);
      if (is_new) {
        EXPECT_EQ(mkdir(path.c_str(), 0777), 0);
        EXPECT_EQ(chmod(path.c_str(), 0777), 0);
      }
      // Never what a link leads to.
      ASSERT_TRUE(std::filesystem::is_directory(std::filesystem::symlink_status(path))) << path;
      for (const auto& entry : std::filesystem::directory_iterator(path)) {
        const std::string inside = entry.path().filename();
        if (name[0] == '\0' && (inside == "etc" || inside == "opt")) continue;
        std::filesystem::remove_all(entry.path());
      }
    }
    // A file that is there when the node is looked at; or no plan would have one over it.
    std::ofstream(absl::StrCat(root_, "/etc/resolv.conf")) << "the node's\n";
  }

  // In a root that no start of another test has, so that it is made anew, of what is there by now,
  // as it is where the test has a cluster of its own.
  v1::StartTaskRequest Sh(const std::string& script) const {
    v1::StartTaskRequest request = AttackTest::Sh(script);
    if (SharesItsCluster()) WithMountAt(absl::StrCat("/of-", case_), &request);
    return request;
  }

  // By a task of an ordinary user's, whose "/srv" all this is; so that it owns what it plants.
  void PlantByTask(const std::string& script) {
    v1::StartTaskRequest request = Sh(absl::StrCat("set -e; cd /srv; ", script, "; echo planted"));
    if (!IsRootless() || HasIdRange()) request.mutable_config()->set_user("nobody");
    ConfigOf(&request)->clear_userns();
    request.mutable_config()->add_volumes()->set_name("root");
    v1::VolumeMount* mount = request.mutable_config()->add_volume_mounts();
    mount->set_volume("root");
    mount->set_destination("/srv");
    const TaskOutcome outcome = Run(request);
    EXPECT_EQ(outcome.out, "planted\n") << outcome.err;
  }

  static void WithOverlay(v1::StartTaskRequest* request) {
    ConfigOf(request)->set_root("overlay");
    ConfigOf(request)->set_root_size(1 << 20);
  }

  // A root that no other start has, so that it is made anew.
  static void WithMountAt(const std::string& place, v1::StartTaskRequest* request) {
    v1::TaskMount* mount = ConfigOf(request)->add_mounts();
    mount->set_type("tmpfs");
    mount->set_size(4096);
    mount->set_destination(place);
  }

  std::string root_;
  // The test's own, for names that no other test uses.
  std::string case_;
};

// CVE-2025-31133, CVE-2025-52565, CVE-2025-52881, CVE-2019-19921, CVE-2026-41579.
TEST_P(HostileRoot, WhatLooksLikeDevAndProcInItLeadsNowhere) {
  const std::string file = canaries().file();
  const std::string directory = canaries().directory();
  for (const char* entry : {"etc", "opt"}) {
    PlantByTask(absl::StrCat(
        "cd ", entry, "; mkdir dev; ln -s ", file, " dev/null; ln -s ", directory,
        " dev/pts; ln -s ", directory, " dev/shm; ln -s ", directory, " proc; ln -s ", directory,
        " sys; ln -s /proc/sys/kernel/core_pattern null; ln -s ../../../..", directory, " up"));
  }
  // Found by whoever takes the tree for "/", too.
  PlantByTask(absl::StrCat("ln -s ", directory, " dev; ln -s ", directory, " proc"));
  for (bool overlay : {false, true}) {
    for (const char* work_dir : {"", "/opt/proc", "/opt/up", "/etc/dev/pts"}) {
      v1::StartTaskRequest request =
          Sh(absl::StrCat(kOurs,
                          "for f in /opt/dev/null /opt/null /etc/null /opt/up/x /opt/proc/x; "
                          "do echo x >$f; done 2>/dev/null; ls /opt/proc/ /opt/up/ 2>&1 | "
                          "grep -v 'No such file'"));
      if (overlay) WithOverlay(&request);
      ConfigOf(&request)->set_work_dir(work_dir);
      const std::string out = OutputIfItRuns(request);
      if (work_dir[0] == '\0') {
        EXPECT_THAT(out, HasSubstr("ours\n"));
      } else {
        EXPECT_EQ(out, "") << work_dir;
      }
    }
  }
}

// The same by an artifact: links that keep to its tree come into /local, where mounts may go.
TEST_P(HostileRoot, AnArtifactsLinksAreNoPlaceForAMountOrAnotherArtifact) {
  const std::string links = "mkdir deep; ln -s deep dev; ln -s deep proc; ln -s deep/pts pts";
  // What was fetched for another test is kept, by its place.
  const std::string image = absl::StrCat("/image-", case_, ".tar");
  const std::string leads_out = absl::StrCat("/out-", case_, ".tar");
  PlantByTask(absl::StrCat("mkdir image; cd image; ", links, "; tar cf ..", image, " ."));
  PlantByTask(absl::StrCat("cd image; ln -s ", canaries().directory(), " out; ln -s ",
                           "../../../../etc up; tar cf ..", leads_out, " ."));
  const auto with = [&](const std::string& archive, const std::string& place) {
    v1::StartTaskRequest request =
        Sh(absl::StrCat(kOurs, "test -L /local/dev && ls -A /local/deep"));
    request.mutable_config()->add_artifacts()->set_source(absl::StrCat(root_, archive));
    if (!place.empty()) WithMountAt(place, &request);
    return request;
  };
  EXPECT_EQ(OutputIfItRuns(with(image, "")), "ours\n");
  // What leads out is not unpacked.
  EXPECT_EQ(OutputIfItRuns(with(leads_out, "")), "");
  for (const char* place : {"/local/dev", "/local/proc/self", "/local/dev/null", "/local/pts"}) {
    EXPECT_EQ(OutputIfItRuns(with(image, place)), "") << place;
    v1::StartTaskRequest request = with(image, "");
    v1::Artifact* other = request.mutable_config()->add_artifacts();
    other->set_source(absl::StrCat(root_, image));
    other->set_destination(place);
    EXPECT_EQ(OutputIfItRuns(request), "") << place;
  }
  // There is room beside them.
  EXPECT_EQ(OutputIfItRuns(with(image, "/local/room")), "ours\n");
}

// An entry of the root is another directory, or a link out, while roots are made of it.
TEST_P(HostileRoot, AnEntryThatIsSwappedForALinkShowsNothingElse) {
  const std::string stolen = absl::StrCat(directory_, "/stolen-", case_);
  ASSERT_EQ(mkdir(stolen.c_str(), 0777), 0);
  std::ofstream(absl::StrCat(stolen, "/secret")) << "x";
  PlantByTask(absl::StrCat("touch opt/mine; ln -s ", stolen, " link"));
  long number = 0;
  long made = 0;
  long refused = 0;
  Race("root-entry-swap", absl::StrCat(root_, "/opt"), absl::StrCat(root_, "/link"),
       Effort(24, 800), [&] {
         v1::StartTaskRequest request = Sh("ls -A /opt");
         WithMountAt(absl::StrCat("/m", number++), &request);
         if (number % 2 == 0) WithOverlay(&request);
         const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
         ++(outcome.ok() ? made : refused);
         if (!outcome.ok()) return;
         EXPECT_EQ(outcome->out, "mine\n") << outcome->err;
         Destroy(outcome->task.id());
       });
  ReportEffort("root-entry-swap", GetParam().name.c_str(), "made", made);
  ReportEffort("root-entry-swap", GetParam().name.c_str(), "refused", refused);
  EXPECT_GT(made, 0);
  EXPECT_GT(refused, 0);
}

// etc-files-preplanted (CVE-2019-18837, CVE-2025-24965).
TEST_P(HostileRoot, GeneratedFilesAreWrittenToNothingThatWasPlanted) {
  const std::string outside = canaries().file();
  const std::string resolv = absl::StrCat(root_, "/etc/resolv.conf");
  const std::function<void()> plants[] = {
      [&] { ASSERT_EQ(symlink(outside.c_str(), resolv.c_str()), 0); },
      [&] { ASSERT_EQ(symlink("/proc/self/fd/1", resolv.c_str()), 0); },
      [&] { ASSERT_EQ(symlink("../../../../../../../etc/passwd", resolv.c_str()), 0); },
      [&] { ASSERT_EQ(link(outside.c_str(), resolv.c_str()), 0); },
      [&] { ASSERT_EQ(mkfifo(resolv.c_str(), 0666), 0); },
      [&] { ASSERT_EQ(mkdir(resolv.c_str(), 0777), 0); },
  };
  long written = 0;
  ASSERT_EQ(unlink(resolv.c_str()), 0);
  for (const auto& plant : plants) {
    plant();
    v1::StartTaskRequest request = Sh("cat /etc/resolv.conf");
    ConfigOf(&request)->mutable_dns()->add_servers("192.0.2.7");
    const std::string out = OutputIfItRuns(request);
    if (!out.empty()) {
      EXPECT_EQ(out, "nameserver 192.0.2.7\n");
      ++written;
    }
    // Whatever it was, the next is planted in its place.
    if (unlink(resolv.c_str()) != 0) {
      EXPECT_EQ(rmdir(resolv.c_str()), 0);
    }
  }
  // Over the other name of the host's file, which stays as it is.
  EXPECT_EQ(written, 1);
}

// The same while it is swapped.
TEST_P(HostileRoot, AFileThatIsSwappedForALinkIsWrittenOverOrRefused) {
  PlantByTask("ln -s /dev/null etc/link");
  long written = 0;
  long refused = 0;
  Race("etc-file-swap", absl::StrCat(root_, "/etc/resolv.conf"), absl::StrCat(root_, "/etc/link"),
       Effort(24, 800), [&] {
         // On whichever name the file is by now, our mount is; nothing is on the other's target.
         v1::StartTaskRequest request =
             Sh("cat /etc/resolv.conf /etc/link; test -c /dev/null && echo ours");
         ConfigOf(&request)->mutable_dns()->add_servers("192.0.2.7");
         const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
         ++(outcome.ok() ? written : refused);
         if (!outcome.ok()) return;
         EXPECT_THAT(outcome->out, HasSubstr("ours\n"));
         Destroy(outcome->task.id());
       });
  ReportEffort("etc-file-swap", GetParam().name.c_str(), "written", written);
  ReportEffort("etc-file-swap", GetParam().name.c_str(), "refused", refused);
  EXPECT_GT(written, 0);
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Cells, HostileRoot, testing::ValuesIn(Cells()), CellName);

}  // namespace
}  // namespace cloister
