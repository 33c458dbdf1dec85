// What a cell sees and may do, told by hostile code in it and by the kernel from outside.
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/artifact_source.h"
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

// What a program does that is run in a cell, and says of it, a line each.
constexpr char kHostileProgram[] = R"(
import errno, mmap, os, signal, socket
def attempt(name, call):
    try:
        call()
        print(name + '=done')
    except OSError as error:
        print(name + '=' + errno.errorcode[error.errno])
print('uid=%d' % os.getuid())
def is_open(fd):
    try:
        return os.fstat(fd) is not None
    except OSError:
        return False
print('descriptors=%d' % sum(is_open(fd) for fd in range(1024)))
attempt('root', lambda: os.listdir('/'))
attempt('cache', lambda: os.open('/etc/ld.so.cache', os.O_RDONLY))
attempt('etc', lambda: os.listdir('/etc'))
for path in ('/etc/passwd', '/proc/self/status', '/dev/null', '/sys', '/root', '/home', '/var'):
    attempt(path, lambda: os.open(path, os.O_RDONLY))
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    attempt('socket_%d' % family, lambda: socket.socket(family, socket.SOCK_STREAM))
attempt('write_usr', lambda: os.open('/usr/file', os.O_CREAT | os.O_WRONLY))
attempt('write_root', lambda: os.open('/file', os.O_CREAT | os.O_WRONLY))
attempt('write_program', lambda: os.open('/usr/bin/python3', os.O_WRONLY))
attempt('chmod_usr', lambda: os.chmod('/usr', 0o777))
attempt('kill', lambda: os.kill(1, signal.SIGKILL))
attempt('mknod', lambda: os.mkfifo('/out/fifo'))
attempt('chroot', lambda: os.chroot('/out'))
attempt('setuid', lambda: os.setuid(0))
attempt('setxattr', lambda: os.setxattr('/out', 'user.a', b'b'))
attempt('memfd', lambda: os.memfd_create('m'))
attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))
attempt('both', lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC))
with open('/out/program', 'wb') as copy:
    copy.write(open('/usr/bin/true', 'rb').read())
os.chmod('/out/program', 0o755)
attempt('exec_own', lambda: os.execv('/out/program', ['program']))
own = os.open('/out/program', os.O_RDONLY)
attempt('map_own', lambda: mmap.mmap(own, 4096, flags=mmap.MAP_PRIVATE,
                                     prot=mmap.PROT_READ | mmap.PROT_EXEC))
)";

TEST_F(CellWallsTest, AProgramThatIsRunInACellHasItsWalls) {
  options().allow_hg = true;
  artifact::FetchJob job = ProbeJob("program", {{"code", kHostileProgram}});
  job.request.source.kind = artifact::SourceKind::kHg;
  const RunningFetch fetch = Begin(std::move(job));
  ASSERT_THAT(fetch.watch->Await(), IsOk()) << TextOf(fetch.directory + "/found");
  const std::map<std::string, std::string> found = fetch.Found();
  EXPECT_THAT(found, Contains(Pair("cache", "done")));
  // Behind Landlock, where the kernel has it.
  for (const char* path : {"root", "etc"}) {
    EXPECT_THAT(found, Contains(Pair(path, AnyOf("EACCES", "done"))));
  }
  EXPECT_THAT(found, Contains(Pair("uid", "1000")));
  EXPECT_THAT(found, Contains(Pair("descriptors", "3")));
  for (const char* path :
       {"/etc/passwd", "/proc/self/status", "/dev/null", "/sys", "/root", "/home", "/var"}) {
    EXPECT_THAT(found, Contains(Pair(path, "ENOENT")));
  }
  for (const auto& [name, outcome] : found) {
    if (absl::StartsWith(name, "socket_")) {
      EXPECT_EQ(outcome, "EPERM") << name;
    }
  }
  EXPECT_EQ(found.count("socket_2"), 1U);
  for (const char* change : {"write_usr", "write_root", "write_program", "chmod_usr"}) {
    EXPECT_THAT(found, Contains(Pair(change, AnyOf("EROFS", "EACCES", "EPERM"))));
  }
  for (const char* call :
       {"kill", "mknod", "chroot", "setuid", "setxattr", "memfd", "priority", "both", "map_own"}) {
    EXPECT_THAT(found, Contains(Pair(call, "EPERM")));
  }
  EXPECT_THAT(found, Contains(Pair("exec_own", "EACCES")));
}

TEST_F(CellWallsTest, ACellThatMayNotRunProgramsHasNone) {
  const RunningFetch fetch = Probe("program", {{"code", "pass"}});
  EXPECT_FALSE(fetch.watch->Await().ok());
}

TEST_F(CellWallsTest, ACellOfProgramsHasTheSameWalls) {
  options().allow_hg = true;
  artifact::FetchJob job = ProbeJob("wait", {});
  job.request.source.kind = artifact::SourceKind::kHg;
  const RunningFetch fetch = Begin(std::move(job));
  fetch.watch->AwaitPhase();
  const pid_t cell = ChildWith("out");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(StatusField(cell, set), "0000000000000000") << set;
  }
  EXPECT_EQ(StatusField(cell, "NoNewPrivs"), "1");
  EXPECT_EQ(StatusField(cell, "Seccomp"), "2");
  EXPECT_NE(Namespace(cell, "net"), Namespace(0, "net"));
  // Of the root's libraries what the node has, links or not.
  for (const std::string& name : NamesIn(absl::StrCat("/proc/", cell, "/root"))) {
    EXPECT_THAT(name, AnyOf("etc", "out", "usr", "lib", "lib32", "lib64", "libx32"));
  }
  EXPECT_EQ(NamesIn(absl::StrCat("/proc/", cell, "/root/etc")),
            std::set<std::string>({"ld.so.cache"}));
  // All but its directory is read-only, and nothing but the node's programs is run.
  const std::string mounts = TextOf(absl::StrCat("/proc/", cell, "/mounts"));
  for (const absl::string_view line : absl::StrSplit(mounts, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    const std::set<std::string> options = absl::StrSplit(words.at(3), ',');
    EXPECT_EQ(options.count("ro"), words[1] == "/out" ? 0U : 1U) << line;
    EXPECT_EQ(options.count("nosuid"), 1U) << line;
    EXPECT_EQ(options.count("nodev"), 1U) << line;
    const bool runs = absl::StartsWith(words[1], "/usr") || absl::StartsWith(words[1], "/lib");
    EXPECT_EQ(options.count("noexec"), runs ? 0U : 1U) << line;
  }
  client().Cancel(fetch.id);
  fetch.watch->Await().status().IgnoreError();
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
