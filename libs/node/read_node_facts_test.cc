#include "libs/node/read_node_facts.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/node/testing/fake_root.h"

namespace cloister::node {
namespace {

using ::testing::HasSubstr;
using Kind = HostPath::Kind;

TEST(ParseMemTotal, GivesBytes) {
  EXPECT_THAT(ParseMemTotal("MemTotal:       24684084 kB\nMemFree: 1 kB\n"),
              IsOkAndHolds(uint64_t{24684084} * 1024));
}

TEST(ParseMemTotal, RefusesWhatItDoesNotUnderstand) {
  for (const char* text :
       {"", "MemFree: 1 kB\n", "MemTotal: x kB\n", "MemTotal: 1 MB\n", "MemTotal: -1 kB\n",
        "MemTotal: 99999999999999999999 kB\n", "MemTotal: 18446744073709551615 kB\n"}) {
    EXPECT_THAT(ParseMemTotal(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(CountCpus, CountsRanges) {
  EXPECT_THAT(CountCpus("0"), IsOkAndHolds(1));
  EXPECT_THAT(CountCpus("0-1"), IsOkAndHolds(2));
  EXPECT_THAT(CountCpus("0-3,8,10-11"), IsOkAndHolds(7));
}

TEST(CountCpus, RefusesWhatIsNoList) {
  for (const char* text :
       {"", "a", "1-", "-1", "3-1", "0-1-2", "0,,1", "0-999999999", "0-1048575,0-1048575"}) {
    EXPECT_THAT(CountCpus(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

class ReadNodeFactsTest : public testing::Test {
 protected:
  ReadNodeFactsTest() {
    fake_.AddFile("/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
    fake_.AddFile("/proc/sys/kernel/random/boot_id", "0b7a\n");
    fake_.AddFile("/proc/sys/kernel/hostname", "n1\n");
    fake_.AddFile("/proc/sys/kernel/cap_last_cap", "40\n");
    fake_.AddFile("/proc/sys/fs/file-max", "9223372036854775807\n");
    fake_.AddFile("/proc/meminfo", "MemTotal: 1024 kB\n");
    fake_.AddFile("/proc/self/mountinfo", "1 0 0:1 / / rw - ext4 /dev/vda rw\n");
    fake_.AddFile("/proc/self/cgroup", "0::/\n");
    fake_.AddFile("/sys/devices/system/cpu/online", "0-3\n");
    fake_.AddDirectory("/usr/bin");
    fake_.AddLink("/bin", "usr/bin");
    fake_.AddFile("/proc/kcore", "");
    fake_.AddDirectory("/proc/bus");
  }
  absl::StatusOr<NodeFacts> Read() { return ReadNodeFacts(fake_.path(), DefaultNodePolicy()); }

  FakeRoot fake_;
};

TEST_F(ReadNodeFactsTest, ReadsTheMachine) {
  const auto facts = Read();
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->kernel_release, "6.1.0-28-amd64");
  EXPECT_EQ(facts->boot_id, "0b7a");
  EXPECT_EQ(facts->hostname, "n1");
  EXPECT_EQ(facts->memory_bytes, 1u << 20);
  EXPECT_EQ(facts->cpus, 4);
  EXPECT_EQ(facts->cgroups.layout, CgroupLayout::kNone);
}

TEST_F(ReadNodeFactsTest, KnowsWhatTheKernelRunsForACrash) {
  EXPECT_EQ(Read()->crash_handler, "");
  fake_.AddFile("/proc/sys/kernel/core_pattern", "|/usr/lib/handler %P %u\n");
  EXPECT_EQ(Read()->crash_handler, "/usr/lib/handler");
  fake_.AddFile("/proc/sys/kernel/core_pattern", "/var/core/%p\n");
  EXPECT_EQ(Read()->crash_handler, "");
}

TEST_F(ReadNodeFactsTest, KnowsHowManyFilesTheMachineOpens) {
  EXPECT_EQ(Read()->max_open_files, uint64_t{INT64_MAX});
  fake_.AddFile("/proc/sys/fs/file-max", "134000\n");
  EXPECT_EQ(Read()->max_open_files, 134000u);
  fake_.AddFile("/proc/sys/fs/file-max", "many\n");
  EXPECT_THAT(Read(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("file-max")));
}

TEST_F(ReadNodeFactsTest, KnowsNoMoreCapabilitiesThanTheKernelNorThanWeHaveNamesFor) {
  EXPECT_EQ(Read()->capabilities, capability::CapabilitySet::UpTo(40));
  fake_.AddFile("/proc/sys/kernel/cap_last_cap", "37\n");
  EXPECT_EQ(Read()->capabilities, capability::CapabilitySet::UpTo(37));
  fake_.AddFile("/proc/sys/kernel/cap_last_cap", "45\n");
  EXPECT_EQ(Read()->capabilities, capability::CapabilitySet::UpTo(40));
  fake_.AddFile("/proc/self/status", "CapEff:\t0\nCapBnd:\t000001fffeffffff\nCapAmb:\t0\n");
  EXPECT_EQ(Read()->capabilities,
            capability::CapabilitySet::UpTo(40) - capability::CapabilitySet({CAP_SYS_RESOURCE}));
  fake_.AddFile("/proc/sys/kernel/cap_last_cap", "many\n");
  EXPECT_THAT(Read(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cap_last_cap")));
}

TEST_F(ReadNodeFactsTest, LooksAtEveryPathOfThePolicyInItsOrder) {
  const NodePolicy policy = DefaultNodePolicy();
  const auto facts = Read();
  ASSERT_THAT(facts, IsOk());
  ASSERT_EQ(facts->chroot_sources.size(), policy.chroot_entries.size());
  for (size_t i = 0; i < facts->chroot_sources.size(); ++i) {
    EXPECT_EQ(facts->chroot_sources[i].path, policy.chroot_entries[i].outside);
  }
  EXPECT_EQ(facts->chroot_sources[0].path, "/bin");
  EXPECT_TRUE(facts->chroot_sources[0].is_link);
  EXPECT_EQ(facts->chroot_sources[0].resolved, "/usr/bin");
  EXPECT_EQ(facts->chroot_sources[1].kind, Kind::kMissing);
  EXPECT_EQ(facts->mask_targets.size(), policy.read_only_paths.size() + policy.hidden_paths.size());
  for (const HostPath& target : facts->mask_targets) {
    Kind expected = Kind::kMissing;
    if (target.path == "/proc/bus" || target.path == "/proc/sys") expected = Kind::kDirectory;
    if (target.path == "/proc/kcore") expected = Kind::kFile;
    EXPECT_EQ(target.kind, expected) << target.path;
  }
}

TEST_F(ReadNodeFactsTest, TheLimitsAreThoseOfThisProcess) {
  struct rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(Read()->hard_limits[RLIMIT_NOFILE], limit.rlim_max);
}

TEST(ReadNodeFacts, ReadsThisMachine) {
  const auto facts = ReadNodeFacts("/", DefaultNodePolicy());
  ASSERT_THAT(facts, IsOk());
  EXPECT_GT(facts->memory_bytes, 0u);
  EXPECT_GT(facts->cpus, 0);
  EXPECT_EQ(facts->boot_id.size(), 36u);
  EXPECT_TRUE(facts->capabilities.Contains(0));
  EXPECT_FALSE(facts->features.empty());
}

}  // namespace
}  // namespace cloister::node
