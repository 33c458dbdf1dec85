#include "libs/capability/names.h"

#include <linux/capability.h>

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister::capability {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Names, GiveTheKernelsNumbers) {
  EXPECT_EQ(NumberOf("chown"), CAP_CHOWN);
  EXPECT_EQ(NumberOf("dac_override"), CAP_DAC_OVERRIDE);
  EXPECT_EQ(NumberOf("dac_read_search"), CAP_DAC_READ_SEARCH);
  EXPECT_EQ(NumberOf("fowner"), CAP_FOWNER);
  EXPECT_EQ(NumberOf("fsetid"), CAP_FSETID);
  EXPECT_EQ(NumberOf("kill"), CAP_KILL);
  EXPECT_EQ(NumberOf("setgid"), CAP_SETGID);
  EXPECT_EQ(NumberOf("setuid"), CAP_SETUID);
  EXPECT_EQ(NumberOf("setpcap"), CAP_SETPCAP);
  EXPECT_EQ(NumberOf("linux_immutable"), CAP_LINUX_IMMUTABLE);
  EXPECT_EQ(NumberOf("net_bind_service"), CAP_NET_BIND_SERVICE);
  EXPECT_EQ(NumberOf("net_broadcast"), CAP_NET_BROADCAST);
  EXPECT_EQ(NumberOf("net_admin"), CAP_NET_ADMIN);
  EXPECT_EQ(NumberOf("net_raw"), CAP_NET_RAW);
  EXPECT_EQ(NumberOf("ipc_lock"), CAP_IPC_LOCK);
  EXPECT_EQ(NumberOf("ipc_owner"), CAP_IPC_OWNER);
  EXPECT_EQ(NumberOf("sys_module"), CAP_SYS_MODULE);
  EXPECT_EQ(NumberOf("sys_rawio"), CAP_SYS_RAWIO);
  EXPECT_EQ(NumberOf("sys_chroot"), CAP_SYS_CHROOT);
  EXPECT_EQ(NumberOf("sys_ptrace"), CAP_SYS_PTRACE);
  EXPECT_EQ(NumberOf("sys_pacct"), CAP_SYS_PACCT);
  EXPECT_EQ(NumberOf("sys_admin"), CAP_SYS_ADMIN);
  EXPECT_EQ(NumberOf("sys_boot"), CAP_SYS_BOOT);
  EXPECT_EQ(NumberOf("sys_nice"), CAP_SYS_NICE);
  EXPECT_EQ(NumberOf("sys_resource"), CAP_SYS_RESOURCE);
  EXPECT_EQ(NumberOf("sys_time"), CAP_SYS_TIME);
  EXPECT_EQ(NumberOf("sys_tty_config"), CAP_SYS_TTY_CONFIG);
  EXPECT_EQ(NumberOf("mknod"), CAP_MKNOD);
  EXPECT_EQ(NumberOf("lease"), CAP_LEASE);
  EXPECT_EQ(NumberOf("audit_write"), CAP_AUDIT_WRITE);
  EXPECT_EQ(NumberOf("audit_control"), CAP_AUDIT_CONTROL);
  EXPECT_EQ(NumberOf("setfcap"), CAP_SETFCAP);
  EXPECT_EQ(NumberOf("mac_override"), CAP_MAC_OVERRIDE);
  EXPECT_EQ(NumberOf("mac_admin"), CAP_MAC_ADMIN);
  EXPECT_EQ(NumberOf("syslog"), CAP_SYSLOG);
  EXPECT_EQ(NumberOf("wake_alarm"), CAP_WAKE_ALARM);
  EXPECT_EQ(NumberOf("block_suspend"), CAP_BLOCK_SUSPEND);
  EXPECT_EQ(NumberOf("audit_read"), CAP_AUDIT_READ);
  EXPECT_EQ(NumberOf("perfmon"), CAP_PERFMON);
  EXPECT_EQ(NumberOf("bpf"), CAP_BPF);
  EXPECT_EQ(NumberOf("checkpoint_restore"), CAP_CHECKPOINT_RESTORE);
  EXPECT_EQ(kLastNamed, CAP_LAST_CAP);
}

TEST(Names, EveryNumberHasANameOfItsOwnThatReadsBack) {
  std::set<std::string> seen;
  for (int number = 0; number <= kLastNamed; ++number) {
    const std::string name = NameOf(number);
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_EQ(NumberOf(name), number);
  }
}

TEST(Names, AnySpellingReads) {
  for (const char* text : {"net_raw", "NET_RAW", "cap_net_raw", "CAP_NET_RAW", "  Cap_Net_Raw\t"}) {
    EXPECT_EQ(NumberOf(text), 13) << text;
  }
}

TEST(Names, WhatNamesNoCapabilityGivesNone) {
  for (const char* text :
       {"", "cap_", "all", "cap_cap_chown", "net raw", "41", "13", "netraw", "chown,kill"}) {
    EXPECT_EQ(NumberOf(text), absl::nullopt) << text;
  }
}

TEST(Names, ACapabilityOfANewerKernelShowsItsNumber) {
  EXPECT_EQ(NameOf(41), "41");
  EXPECT_EQ(NameOf(-1), "-1");
}

TEST(Names, ListsAreInAlphabeticOrder) {
  EXPECT_THAT(SortedNames({CAP_SYS_ADMIN, CAP_CHOWN, CAP_KILL, CAP_BPF}),
              ElementsAre("bpf", "chown", "kill", "sys_admin"));
  EXPECT_EQ(JoinedNames({CAP_KILL, CAP_CHOWN}), "chown, kill");
  EXPECT_EQ(JoinedNames({}), "none");
}

TEST(CapabilityList, HoldsTheNamesOnceEach) {
  const auto list = ParseCapabilityList({"chown", "CAP_CHOWN", "", "kill"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_FALSE(list->all);
  EXPECT_EQ(list->named, (CapabilitySet{CAP_CHOWN, CAP_KILL}));
}

TEST(CapabilityList, AllMeansWhatTheKernelSupports) {
  const auto list = ParseCapabilityList({" CAP_ALL "});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_TRUE(list->all);
  EXPECT_TRUE(list->named.empty());
  EXPECT_EQ(list->Expand(CapabilitySet::UpTo(37)), CapabilitySet::UpTo(37));
}

TEST(CapabilityList, ANamedOneIsKeptBesideAllEvenIfTheKernelLacksIt) {
  const auto list = ParseCapabilityList({"all", "bpf"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_TRUE(list->Expand(CapabilitySet::UpTo(37)).Contains(CAP_BPF));
}

TEST(CapabilityList, NamesEveryUnknownEntry) {
  const auto list = ParseCapabilityList({"chown", "fly", "swim"});
  EXPECT_EQ(list.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(list.status().message()), HasSubstr("'fly', 'swim'"));
}

TEST(CapabilityList, IsEmptyOnlyWithoutAnything) {
  EXPECT_TRUE(ParseCapabilityList({""})->empty());
  EXPECT_FALSE(ParseCapabilityList({"all"})->empty());
  EXPECT_FALSE(ParseCapabilityList({"kill"})->empty());
}

}  // namespace
}  // namespace cloister::capability
