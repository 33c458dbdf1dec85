// What a cell sees and may do, told by hostile code in it and by the kernel from outside.
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "tests/fetcher/fetcher_fixture.h"

namespace cloister {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::Pair;

using CellWallsTest = FetcherFixture;

std::set<std::string> NamesIn(const std::string& path) {
  std::set<std::string> names;
  if (DIR* stream = opendir(path.c_str())) {
    while (const dirent* entry = readdir(stream)) names.insert(entry->d_name);
    closedir(stream);
  }
  names.erase(".");
  names.erase("..");
  return names;
}

std::string Namespace(pid_t pid, const std::string& kind) {
  char text[64] = {};
  const std::string path =
      absl::StrCat("/proc/", pid == 0 ? "self" : absl::StrCat(pid), "/ns/", kind);
  return readlink(path.c_str(), text, sizeof(text) - 1) > 0 ? text : "";
}

TEST_F(CellWallsTest, NoCallThatLeadsOutIsAnswered) {
  std::ofstream(directory() + "/canary") << "secret";
  const RunningFetch fetch = Probe("try", {{"canary", directory() + "/canary"}});
  ASSERT_THAT(fetch.watch->Await(), IsOk());
  const std::map<std::string, std::string> found = fetch.Found();
  for (const char* call :
       {"socket",    "unix_socket", "packet_socket", "execve",      "execveat",
        "fork",      "vfork",       "unshare",       "setns",       "mount",
        "open_tree", "chroot",      "pivot_root",    "ptrace",      "process_vm_readv",
        "bpf",       "keyctl",      "io_uring",      "userfaultfd", "perf",
        "setuid",    "kill",        "mknod",         "setxattr",    "handle",
        "memfd",     "exec_memory"}) {
    EXPECT_THAT(found, Contains(Pair(call, "EPERM")));
  }
  EXPECT_THAT(found, Contains(Pair("clone3", "ENOSYS")));
  // It does nothing; see call_filter.cc.
  EXPECT_THAT(found, Contains(Pair("connect", "done")));
}

TEST_F(CellWallsTest, NoFileButTheOutputIsThere) {
  std::ofstream(directory() + "/canary") << "secret";
  const RunningFetch fetch = Probe("try", {{"canary", directory() + "/canary"}});
  ASSERT_THAT(fetch.watch->Await(), IsOk());
  const std::map<std::string, std::string> found = fetch.Found();
  for (const char* path : {"/etc/passwd", "/proc/self/status", "/dev/null", "/sys", "/root",
                           "canary", "canary_above", "canary_far_above"}) {
    EXPECT_THAT(found, Contains(Pair(path, "ENOENT")));
  }
  for (const char* change : {"write_root", "mkdir_root", "chmod_root"}) {
    EXPECT_THAT(found, Contains(Pair(change, AnyOf("EROFS", "EACCES", "EPERM"))));
  }
}

TEST_F(CellWallsTest, ItHasAnIdOfItsOwnAndNoEnvironment) {
  const RunningFetch fetch = Probe("try");
  ASSERT_THAT(fetch.watch->Await(), IsOk());
  const std::map<std::string, std::string> found = fetch.Found();
  EXPECT_THAT(found, Contains(Pair("environment", "0")));
  // 0 to 2, the two sockets, the directory.
  EXPECT_THAT(found, Contains(Pair("descriptors", "6")));
  EXPECT_THAT(found, Contains(Pair("pid", "1")));
  EXPECT_THAT(found, Contains(Pair("ppid", "0")));
  EXPECT_THAT(found, Contains(Pair("output_owner", found.at("uid"))));
  struct stat status;
  ASSERT_EQ(stat((fetch.directory + "/found").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, options().first_id);
  ASSERT_EQ(stat(fetch.directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, geteuid()) << "the directory is taken back";
}

// A kernel before 5.9, or a filter that does not know the call.
TEST_F(CellWallsTest, WithoutCloseRangeItHasNoDescriptorOfAnotherFetchEither) {
  char* const without = realpath(getenv("CLOISTER_TEST_WITHOUT_CALLS"), nullptr);
  const std::string script = directory() + "/fetcher";
  std::ofstream(script) << "#!/bin/sh\nexec " << without << " close_range " << options().program
                        << " \"$@\"\n";
  free(without);
  ASSERT_EQ(chmod(script.c_str(), 0755), 0);
  options().program = script;
  const RunningFetch other = Probe("wait");
  other.watch->AwaitPhase();
  const RunningFetch fetch = Probe("try");
  ASSERT_THAT(fetch.watch->Await(), IsOk());
  EXPECT_THAT(fetch.Found(), Contains(Pair("descriptors", "6")));
  client().Cancel(other.id);
  other.watch->Await().status().IgnoreError();
}

TEST_F(CellWallsTest, TheKernelSaysTheSame) {
  const RunningFetch fetch = Probe("wait");
  fetch.watch->AwaitPhase();
  const pid_t cell = ChildWith("out");
  const pid_t broker = ChildWith("etc");
  ASSERT_GT(cell, 0);
  ASSERT_GT(broker, 0);
  EXPECT_EQ(Children().size(), 2U);
  for (pid_t child : {cell, broker}) {
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      EXPECT_EQ(StatusField(child, set), "0000000000000000") << set;
    }
    EXPECT_EQ(StatusField(child, "NoNewPrivs"), "1");
    EXPECT_EQ(StatusField(child, "Seccomp"), "2");
    EXPECT_EQ(StatusField(child, "Threads"), "1");
    EXPECT_TRUE(TextOf(absl::StrCat("/proc/", child, "/environ")).empty());
    for (const char* kind : {"user", "mnt", "pid", "ipc", "uts"}) {
      EXPECT_NE(Namespace(child, kind), Namespace(0, kind)) << kind;
    }
    EXPECT_THAT(TextOf(absl::StrCat("/proc/", child, "/limits")),
                testing::ContainsRegex("Max core file size +0 +0"));
  }
  const std::string id = absl::StrCat(options().first_id);
  const std::string next = absl::StrCat(options().first_id + 1);
  EXPECT_EQ(StatusField(cell, "Uid"), absl::StrCat(id, "\t", id, "\t", id, "\t", id));
  EXPECT_EQ(StatusField(broker, "Uid"), absl::StrCat(next, "\t", next, "\t", next, "\t", next));
  EXPECT_NE(Namespace(cell, "net"), Namespace(0, "net"));
  EXPECT_EQ(Namespace(broker, "net"), Namespace(0, "net"));
  EXPECT_NE(Namespace(cell, "user"), Namespace(broker, "user"));
  const std::string root = absl::StrCat("/proc/", cell, "/root");
  EXPECT_EQ(NamesIn(root), std::set<std::string>({"out"}));
  EXPECT_EQ(NamesIn(absl::StrCat("/proc/", broker, "/root")), std::set<std::string>({"etc"}));
  client().Cancel(fetch.id);
  EXPECT_THAT(fetch.watch->Await(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(CellWallsTest, ItsNetworkIsALoopbackThatIsDown) {
  const RunningFetch fetch = Probe("wait");
  fetch.watch->AwaitPhase();
  const std::string net = absl::StrCat("/proc/", ChildWith("out"), "/net/");
  std::set<std::string> interfaces;
  std::ifstream lines(net + "dev");
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    line.resize(colon);
    interfaces.insert(line.substr(line.find_first_not_of(' ')));
  }
  EXPECT_EQ(interfaces, std::set<std::string>({"lo"}));
  // One that is up has its address.
  EXPECT_FALSE(absl::StrContains(TextOf(net + "fib_trie"), "127.0.0.1"));
  EXPECT_TRUE(TextOf(net + "if_inet6").empty());
  client().Cancel(fetch.id);
  fetch.watch->Await().status().IgnoreError();
}

TEST_F(CellWallsTest, ItIsInItsCgroupAndLeavesNone) {
  const RunningFetch fetch = Probe("wait");
  fetch.watch->AwaitPhase();
  for (pid_t child : Children()) {
    const std::string cgroups = TextOf(absl::StrCat("/proc/", child, "/cgroup"));
    for (const auto& hierarchy : options().cgroup.hierarchies()) {
      EXPECT_THAT(cgroups, testing::HasSubstr(hierarchy.parent() + "/fetch-"));
    }
  }
  client().Cancel(fetch.id);
  fetch.watch->Await().status().IgnoreError();
  StopClient();
  for (const auto& hierarchy : options().cgroup.hierarchies()) {
    const std::string parent = absl::StrCat(hierarchy.mount_point(), "/", hierarchy.parent(), "/");
    for (const std::string& name : NamesIn(parent)) {
      EXPECT_FALSE(absl::StartsWith(name, "fetch-")) << parent << name;
    }
  }
}

TEST_F(CellWallsTest, TheFetcherHasNoEnvironmentAndNoTrace) {
  client();
  const std::string proc = absl::StrCat("/proc/", client().fetcher_pid());
  EXPECT_TRUE(TextOf(proc + "/environ").empty());
  EXPECT_EQ(StatusField(client().fetcher_pid(), "Threads"), "1");
  char target[64] = {};
  EXPECT_GT(readlink((proc + "/fd/0").c_str(), target, sizeof(target) - 1), 0);
  EXPECT_STREQ(target, "/dev/null");
  struct stat status;
  ASSERT_EQ(stat((proc + "/mem").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U) << "it is not dumpable";
}

}  // namespace
}  // namespace cloister
