// What the other tests in this guest rely on.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/os/pidfd.h"

namespace cloister {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::StartsWith;

constexpr char kCgroupRoot[] = "/sys/fs/cgroup";

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteAll(const std::string& path, const std::string& text) {
  OwnedFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(fd.valid()) << path << ": " << strerror(errno);
  ASSERT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()))
      << path << ": " << strerror(errno);
}

auto FilesystemType(const std::string& path) {
  struct statfs facts = {};
  EXPECT_EQ(statfs(path.c_str(), &facts), 0) << path << ": " << strerror(errno);
  return facts.f_type;
}

// A cgroup below the root that is gone after the test.
class ScopedCgroup {
 public:
  explicit ScopedCgroup(const std::string& name) : path_(absl::StrCat(kCgroupRoot, "/", name)) {
    EXPECT_EQ(mkdir(path_.c_str(), 0755), 0) << path_ << ": " << strerror(errno);
  }
  ~ScopedCgroup() { EXPECT_EQ(rmdir(path_.c_str()), 0) << path_ << ": " << strerror(errno); }

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

TEST(GuestFacts, KernelIsDebians61) {
  utsname names = {};
  ASSERT_EQ(uname(&names), 0);
  EXPECT_THAT(names.release, StartsWith("6.1."));
  EXPECT_THAT(names.version, HasSubstr("Debian"));
}

TEST(GuestFacts, RunsAsRootWithAllCapabilitiesAndTheEnvironmentOfATest) {
  EXPECT_EQ(geteuid(), 0u);
  EXPECT_THAT(ReadAll("/proc/self/status"), HasSubstr("CapEff:\t000001ffffffffff"));
  EXPECT_THAT(ReadAll(absl::StrCat(getenv("TEST_SRCDIR"), "/", getenv("TEST_WORKSPACE"),
                                   "/tests/vm/etc/hosts")),
              HasSubstr("localhost"));
  EXPECT_EQ(FilesystemType(getenv("TEST_SRCDIR")), TMPFS_MAGIC);
  EXPECT_EQ(FilesystemType(getenv("TEST_TMPDIR")), TMPFS_MAGIC);
  EXPECT_STREQ(getenv("CLOISTER_REQUIRE_ROOT"), "1");
}

TEST(GuestFacts, WhatTheRuleNamesIsThere) {
  EXPECT_THAT(absl::StrSplit(ReadAll("/proc/self/cmdline"), '\0'), Contains("--expected_argument"));
  EXPECT_STREQ(getenv("GREETING"), "two words");
  EXPECT_EQ(access("/usr/bin/getent", X_OK), 0);
  EXPECT_THAT(ReadAll("/proc/filesystems"), HasSubstr("overlay"));
}

TEST(GuestFacts, NobodyIsAUserAndShadowIsNotForThem) {
  const passwd* nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  EXPECT_EQ(nobody->pw_uid, 65534u);
  struct stat facts = {};
  ASSERT_EQ(stat("/etc/shadow", &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0640u);
}

TEST(GuestFacts, FileLimitsAreThoseOfASystemdService) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, 1024u);
  EXPECT_EQ(limit.rlim_max, 524288u);
}

TEST(GuestFacts, MountsAreSharedAsUnderSystemd) {
  EXPECT_EQ(FilesystemType("/"), TMPFS_MAGIC);
  for (absl::string_view line :
       absl::StrSplit(ReadAll("/proc/self/mountinfo"), '\n', absl::SkipEmpty())) {
    EXPECT_THAT(std::string(line), HasSubstr(" shared:"));
  }
}

TEST(GuestFacts, PivotRootAcceptsTheRootAsTheOldOne) {
  int step = 0;
  int error = 0;
  // A mount namespace of its own for one thread, which ends with it.
  std::thread([&] {
    const auto failed = [&](bool failure) {
      ++step;
      if (failure) error = errno;
      return failure;
    };
    if (failed(unshare(CLONE_NEWNS) != 0) ||
        failed(mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ||
        failed(mount("new", "/mnt", "tmpfs", 0, nullptr) != 0) || failed(chdir("/mnt") != 0) ||
        failed(syscall(SYS_pivot_root, ".", ".") != 0) || failed(umount2(".", MNT_DETACH) != 0) ||
        failed(access("/usr", F_OK) == 0)) {
      return;
    }
    step = 0;
  }).join();
  EXPECT_EQ(step, 0) << "step " << step << ": " << strerror(error);
}

TEST(GuestFacts, CgroupsArePureV2WithControllersAtHand) {
  EXPECT_EQ(FilesystemType(kCgroupRoot), CGROUP2_SUPER_MAGIC);
  EXPECT_EQ(ReadAll("/proc/self/cgroup"), "0::/\n");
  const std::string controllers = ReadAll(absl::StrCat(kCgroupRoot, "/cgroup.controllers"));
  EXPECT_THAT(absl::StrSplit(controllers, absl::ByAnyChar(" \n"), absl::SkipEmpty()),
              IsSupersetOf({"cpu", "cpuset", "io", "memory", "pids"}));
}

TEST(GuestFacts, ControllersCanBeGivenToACgroup) {
  const std::string subtree_control = absl::StrCat(kCgroupRoot, "/cgroup.subtree_control");
  const std::string before = ReadAll(subtree_control);
  EXPECT_EQ(before, "") << "nothing is delegated beforehand";
  WriteAll(subtree_control, "+cpu +memory +pids");
  {
    const ScopedCgroup cgroup("guest_facts.limits");
    WriteAll(cgroup.path() + "/memory.max", "1048576");
    WriteAll(cgroup.path() + "/pids.max", "7");
    EXPECT_EQ(ReadAll(cgroup.path() + "/memory.max"), "1048576\n");
    EXPECT_EQ(ReadAll(cgroup.path() + "/pids.max"), "7\n");
    EXPECT_EQ(access((cgroup.path() + "/cgroup.kill").c_str(), W_OK), 0);
  }
  WriteAll(subtree_control, "-cpu -memory -pids");
}

TEST(GuestFacts, AChildIsBornInTheCgroupThatCloneNames) {
  const ScopedCgroup cgroup("guest_facts.born");
  const OwnedFd cgroup_fd(open(cgroup.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(cgroup_fd.valid());
  int hold[2];
  ASSERT_EQ(pipe2(hold, O_CLOEXEC), 0);
  OwnedFd read_end(hold[0]);
  OwnedFd write_end(hold[1]);

  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_PIDFD | CLONE_INTO_CGROUP;
  arguments.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = cgroup_fd.get();
  const pid_t child = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (child == 0) {
    char byte;
    close(write_end.get());
    _exit(read(read_end.get(), &byte, 1) == 0 ? 7 : 1);
  }
  ASSERT_GT(child, 0) << strerror(errno);
  const PidFd process{OwnedFd(pidfd)};
  EXPECT_EQ(ReadAll(absl::StrCat("/proc/", child, "/cgroup")), "0::/guest_facts.born\n");
  EXPECT_EQ(ReadAll(cgroup.path() + "/cgroup.procs"), absl::StrCat(child, "\n"));
  write_end.reset();
  EXPECT_THAT(process.WaitAndReap(), IsOkAndHolds(7 << 8));
}

// Listens on `address`, connects to it and sends one byte through.
void ExpectCarriesAByte(int family, sockaddr* address, socklen_t size) {
  const OwnedFd listener(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), address, size), 0) << strerror(errno);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), address, &size), 0);
  const OwnedFd client(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), address, size), 0) << strerror(errno);
  const OwnedFd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_EQ(write(client.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(read(server.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST(GuestFacts, LoopbackAndUnixSocketsCarryBytes) {
  sockaddr_in loopback = {};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ExpectCarriesAByte(AF_INET, reinterpret_cast<sockaddr*>(&loopback), sizeof(loopback));

  sockaddr_un path = {};
  path.sun_family = AF_UNIX;
  strncpy(path.sun_path, absl::StrCat(getenv("TEST_TMPDIR"), "/sock").c_str(),
          sizeof(path.sun_path) - 1);
  ExpectCarriesAByte(AF_UNIX, reinterpret_cast<sockaddr*>(&path), sizeof(path));
}

}  // namespace
}  // namespace cloister
