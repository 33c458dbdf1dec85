#include "libs/node/fingerprint.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/node/testing/fake_root.h"

namespace cloister::node {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class FingerprintTest : public testing::Test {
 protected:
  FingerprintTest() {
    facts_.kernel_release = "6.1.0-28-amd64";
    facts_.hostname = "n1";
    facts_.memory_bytes = 1 << 20;
    facts_.cpus = 4;
    facts_.features = {{"clone3", 0}, {"openat2", 38}};
    kernel_.machine = "x86_64";
  }
  Attributes Read() const {
    return ReadFingerprint(*HostRoot::Open(fake_.path()), facts_, kernel_);
  }

  FakeRoot fake_;
  NodeFacts facts_;
  KernelAnswers kernel_;
};

TEST_F(FingerprintTest, TellsOfTheNodeByTheNamesThatTaskFilesUse) {
  fake_.AddFile("/etc/os-release", "PRETTY_NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n");
  fake_.AddFile("/proc/cpuinfo", "processor\t: 0\nmodel name\t: A: B\ncpu MHz\t\t: 2399.998\n");
  const Attributes attributes = Read();
  for (const auto& [name, value] : Attributes{{"attr.kernel.name", "linux"},
                                              {"attr.kernel.version", "6.1.0-28-amd64"},
                                              {"attr.kernel.arch", "x86_64"},
                                              {"attr.kernel.has.clone3", "1"},
                                              {"attr.os.name", "debian"},
                                              {"attr.os.version", "12"},
                                              {"attr.unique.hostname", "n1"},
                                              {"attr.cpu.arch", "amd64"},
                                              {"attr.cpu.numcores", "4"},
                                              {"attr.cpu.modelname", "A: B"},
                                              {"attr.cpu.frequency", "2400"},
                                              {"attr.cpu.totalcompute", "9600"},
                                              {"attr.memory.totalbytes", "1048576"},
                                              {"attr.driver.exec", "1"}}) {
    EXPECT_THAT(attributes, Contains(Pair(name, value)));
  }
  EXPECT_THAT(attributes.at("attr.os.signals"), HasSubstr("SIGHUP,"));
}

TEST_F(FingerprintTest, LeavesOutWhatTheNodeDoesNotTell) {
  const Attributes attributes = Read();
  for (const char* name :
       {"attr.os.name", "attr.cpu.modelname", "attr.cpu.frequency", "attr.cpu.totalcompute",
        "attr.kernel.landlock", "attr.kernel.has.openat2", "attr.os.cgroups.version"}) {
    EXPECT_THAT(attributes, Not(Contains(Key(name))));
  }
}

TEST_F(FingerprintTest, PrefersTheFrequencyThatDoesNotChange) {
  fake_.AddFile("/proc/cpuinfo", "cpu MHz : 1000\n");
  fake_.AddFile("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3000000\n");
  EXPECT_EQ(Read().at("attr.cpu.frequency"), "3000");
  fake_.AddFile("/sys/devices/system/cpu/cpu0/cpufreq/base_frequency", "2000000\n");
  EXPECT_EQ(Read().at("attr.cpu.frequency"), "2000");
}

TEST_F(FingerprintTest, TellsWhichCgroupsLimitTasks) {
  facts_.cgroups.layout = CgroupLayout::kV2;
  facts_.cgroups.hierarchies = {{"/sys/fs/cgroup", true, {"cpu"}, true, ""}};
  EXPECT_EQ(Read().at("attr.os.cgroups.version"), "2");
  EXPECT_EQ(Read().at("attr.unique.cgroup.mountpoint"), "/sys/fs/cgroup");
  facts_.cgroups.layout = CgroupLayout::kHybrid;
  facts_.cgroups.hierarchies = {{"/sys/fs/cgroup/memory", false, {"memory"}, true, ""},
                                {"/sys/fs/cgroup/unified", true, {}, true, ""}};
  EXPECT_EQ(Read().at("attr.unique.cgroup.version"), "v1");
  EXPECT_EQ(Read().at("attr.unique.cgroup.mountpoint"), "/sys/fs/cgroup");
}

TEST_F(FingerprintTest, TellsTheVersionOfLandlock) {
  kernel_.landlock_abi = 4;
  EXPECT_EQ(Read().at("attr.kernel.landlock"), "v4");
}

TEST(Fingerprint, OfThisKernelHasAMachine) { EXPECT_FALSE(AskKernel().machine.empty()); }

TEST(Storage, OfADirectoryThatIsThere) {
  const auto storage = ReadStorage("/");
  ASSERT_THAT(storage, IsOk());
  EXPECT_THAT(*storage, Contains(Key("attr.unique.storage.bytestotal")));
  EXPECT_THAT(*storage, Contains(Key("attr.unique.storage.bytesfree")));
  EXPECT_THAT(ReadStorage("/no/such/place"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(Storage, IsOnTheNearestMount) {
  constexpr char kMounts[] =
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "2 1 8:2 / /var rw shared:1 - xfs /dev/sdb1 rw\n"
      "3 1 8:3 / /variety rw - xfs /dev/sdc1 rw\n";
  EXPECT_EQ(MountSource(kMounts, "/var/lib/cloister"), "/dev/sdb1");
  EXPECT_EQ(MountSource(kMounts, "/srv"), "/dev/sda1");
  EXPECT_EQ(MountSource("", "/srv"), "");
}

TEST(NodeAttributes, AreTheOperatorsWords) {
  NodeLabels labels;
  labels.node_class = "gpu";
  labels.meta = {{"rack", "r7"}};
  EXPECT_THAT(NodeAttributes(labels, "n1"),
              UnorderedElementsAre(Pair("node.unique.id", "n1"), Pair("node.unique.name", "n1"),
                                   Pair("node.datacenter", "dc1"), Pair("node.region", "global"),
                                   Pair("node.class", "gpu"), Pair("node.pool", "default"),
                                   Pair("meta.rack", "r7")));
}

TEST(OsRelease, ValuesComeWithoutQuotes) {
  EXPECT_EQ(OsReleaseValue("A=1\nID=\"x y\"\n", "ID"), "x y");
  EXPECT_EQ(OsReleaseValue("ID='z'\n", "ID"), "z");
  EXPECT_EQ(OsReleaseValue("MY_ID=1\n", "ID"), "");
}

}  // namespace
}  // namespace cloister::node
