#include "libs/seccomp/profile.h"

#include <errno.h>
#include <linux/capability.h>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::seccomp {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;

TEST(Profile, WhatAllTasksOfAUserOrOfTheNodeShareIsNotInIt) {
  const Profile profile = MakeDefaultProfile(0, false);
  for (const char* call : {"add_key", "request_key", "keyctl", "bpf", "perf_event_open",
                           "userfaultfd", "mount", "io_uring_setup", "io_uring_enter",
                           "io_uring_register", "setns", "quotactl", "file_setattr", "kexec_load",
                           "init_module", "open_by_handle_at", "swapon", "reboot", "pidfd_getfd"}) {
    EXPECT_THAT(profile.rules, Not(Contains(Key(call)))) << call;
  }
}

TEST(Profile, KeysAndIoUringStayShutWhateverIsGranted) {
  const Profile profile = MakeDefaultProfile(~uint64_t{0}, false);
  for (const char* call : {"add_key", "keyctl", "io_uring_setup", "userfaultfd", "kexec_load"}) {
    EXPECT_THAT(profile.rules, Not(Contains(Key(call)))) << call;
  }
  EXPECT_EQ(profile.rules.at("clone3").error, ENOSYS);
  EXPECT_EQ(profile.rules.at("clone").condition->words.front(), 0x10000000u) << "CLONE_NEWUSER";
}

TEST(Profile, ACapabilityOpensItsCalls) {
  for (int capability = 0; capability < 64; ++capability) {
    const Profile profile = MakeDefaultProfile(uint64_t{1} << capability, false);
    for (const std::string& call : CallsOpenedBy(capability)) {
      EXPECT_EQ(profile.rules.at(call).error, 0) << call;
    }
    const bool counts = (CapabilitiesThatCount() >> capability & 1) != 0;
    EXPECT_EQ(counts, !CallsOpenedBy(capability).empty());
  }
}

TEST(Profile, TracingNeedsAPidNamespaceOfTheTasksOwn) {
  EXPECT_THAT(MakeDefaultProfile(0, false).rules, Contains(Key("ptrace")));
  for (const char* call : {"ptrace", "process_vm_readv", "process_vm_writev"}) {
    EXPECT_THAT(MakeDefaultProfile(0, true).rules, Not(Contains(Key(call))));
  }
}

TEST(Profile, ItsHashIsThatOfWhatItSays) {
  const std::string hash = ProfileHash(MakeDefaultProfile(0, false));
  EXPECT_EQ(hash.size(), 32u);
  EXPECT_EQ(ProfileHash(MakeDefaultProfile(0, false)), hash);
  EXPECT_NE(ProfileHash(MakeDefaultProfile(0, true)), hash);
  EXPECT_EQ(ProfileHash(MakeDefaultProfile(uint64_t{1} << CAP_CHOWN, false)), hash);
  EXPECT_EQ(DefaultProfileHash(uint64_t{1} << CAP_CHOWN, false), hash);
  EXPECT_EQ(DefaultProfileHash(0, true), ProfileHash(MakeDefaultProfile(0, true)));
  Profile profile = MakeDefaultProfile(0, false);
  profile.rules.at("ioctl").condition->words.pop_back();
  EXPECT_NE(ProfileHash(profile), hash);
}

}  // namespace
}  // namespace cloister::seccomp
