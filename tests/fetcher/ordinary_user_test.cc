// Cells that an ordinary user makes, in a user namespace of its own with one id, as an executor
// that is run without root.
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/egress_policy.h"
#include "libs/base/status_matchers.h"
#include "tests/fetcher/fetcher_fixture.h"
#include "tests/fetcher/loopback_servers.h"

namespace cloister {
namespace {

namespace fs = std::filesystem;

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

using OrdinaryUserTest = FetcherFixture;

TEST_F(OrdinaryUserTest, TheWallsStand) {
  std::ofstream(directory() + "/canary") << "secret";
  const RunningFetch fetch = Probe("try", {{"canary", directory() + "/canary"}});
  ASSERT_THAT(fetch.watch->Await(), IsOk());
  const std::map<std::string, std::string> found = fetch.Found();
  for (const char* path :
       {"canary", "canary_above", "canary_far_above", "/etc/passwd", "/proc/self/status"}) {
    EXPECT_THAT(found, Contains(Pair(path, "ENOENT")));
  }
  for (const char* call : {"socket", "execve", "fork", "unshare", "mount", "ptrace", "kill"}) {
    EXPECT_THAT(found, Contains(Pair(call, "EPERM")));
  }
  EXPECT_THAT(found, Contains(Pair("write_root", "EROFS")));
  EXPECT_THAT(found, Contains(Pair("environment", "0")));
  EXPECT_THAT(found, Contains(Pair("pid", "1")));
}

TEST_F(OrdinaryUserTest, AProgramRunsBehindThem) {
  options().allow_hg = true;
  artifact::FetchJob job = ProbeJob("program", {{"code",
                                                 "import os\n"
                                                 "print('bin=%d' % os.path.exists('/usr/bin'))\n"
                                                 "print('usr=%d' % os.access('/usr', os.W_OK))\n"
                                                 "print('home=%d' % os.path.exists('/home'))\n"}});
  job.request.source.kind = artifact::SourceKind::kHg;
  const RunningFetch fetch = Begin(std::move(job));
  ASSERT_THAT(fetch.watch->Await(), IsOk()) << TextOf(fetch.directory + "/found");
  EXPECT_THAT(fetch.Found(), ElementsAre(Pair("bin", "1"), Pair("home", "0"), Pair("usr", "0")));
}

TEST_F(OrdinaryUserTest, TheBrokerConnectsAndRefuses) {
  LineServer server("hello=there\n");
  const std::string port = absl::StrCat(server.port());
  EXPECT_THAT(Probe("connect", {{"host", "127.0.0.1"}, {"port", port}}).watch->Await(),
              StatusIs(absl::StatusCode::kPermissionDenied));
  StopClient();
  options().egress.allowed_networks = {*artifact::ParseCidr("127.0.0.0/8")};
  const RunningFetch fetch = Probe("connect", {{"host", "127.0.0.1"}, {"port", port}});
  ASSERT_THAT(fetch.watch->Await(), IsOk());
  EXPECT_EQ(fetch.Found().at("hello"), "there");
}

TEST_F(OrdinaryUserTest, ACrashIsTheErrorOfThatArtifactAlone) {
  EXPECT_THAT(Probe("segv").watch->Await(),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("SIGSEGV")));
  EXPECT_THAT(Probe("nothing").watch->Await(), IsOk());
}

TEST_F(OrdinaryUserTest, WhatIsMissingIsSaid) {
  EXPECT_THAT(client().Gaps(), Contains(HasSubstr("one id only")));
  EXPECT_THAT(client().Gaps(), Contains(HasSubstr("without cgroups")));
}

bool WriteText(const char* path, const std::string& text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  const bool written =
      file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return written;
}

// With a fetcher and a directory that it can reach.
bool BecomeOrdinaryUser(std::string* directory) {
  const bool is_root = geteuid() == 0;
  const uint32_t id = is_root ? 12345 : geteuid();
  const uint32_t group = is_root ? id : getegid();
  *directory = "/tmp/cloister-fetch-user-XXXXXX";
  if (mkdtemp(&(*directory)[0]) == nullptr) return false;
  std::error_code error;
  const std::string program = *directory + "/probe_fetcher";
  fs::copy_file(fs::canonical("tests/fetcher/probe_fetcher"), program, error);
  if (error || chown(directory->c_str(), id, group) != 0 || chmod(program.c_str(), 0755) != 0) {
    return false;
  }
  setenv("CLOISTER_TEST_FETCHER", program.c_str(), 1);
  setenv("CLOISTER_TEST_DIRECTORY", directory->c_str(), 1);
  // Root's; Bazel makes up a report from what is printed.
  for (const char* variable : {"XML_OUTPUT_FILE", "TEST_PREMATURE_EXIT_FILE"}) unsetenv(variable);
  const bool dropped =
      !is_root || (setgroups(0, nullptr) == 0 && setresgid(group, group, group) == 0 &&
                   setresuid(id, id, id) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
  return dropped && chdir("/") == 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
         WriteText("/proc/self/setgroups", "deny") &&
         WriteText("/proc/self/uid_map", absl::StrCat("0 ", id, " 1")) &&
         WriteText("/proc/self/gid_map", absl::StrCat("0 ", group, " 1"));
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  std::string directory;
  if (!cloister::BecomeOrdinaryUser(&directory)) {
    std::perror("ordinary user");
    return 1;
  }
  // The report's place is root's, and was read from the environment already.
  if (!directory.empty()) GTEST_FLAG_SET(output, "");
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  std::error_code error;
  if (!directory.empty()) std::filesystem::remove_all(directory, error);
  return result;
}
