#include "libs/capability/calculate.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/capability/names.h"

namespace cloister::capability {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr CapabilitySet kKernel = CapabilitySet::UpTo(40);

CapabilitySet Named(const std::vector<std::string>& names) {
  const auto list = ParseCapabilityList(names);
  EXPECT_TRUE(list.ok()) << list.status();
  return list.ok() ? list->Expand(kKernel) : CapabilitySet();
}

std::vector<std::string> Calculate(const std::vector<std::string>& allow,
                                   const std::vector<std::string>& add,
                                   const std::vector<std::string>& drop) {
  const auto result =
      CalculateCapabilities(kDefaultCapabilities, Named(allow), Named(add), Named(drop));
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? SortedNames(*result) : std::vector<std::string>{"refused"};
}

const std::vector<std::string>& Thirteen() {
  static const auto* const kNames = new std::vector<std::string>{
      "audit_write",      "chown",   "dac_override", "fowner",  "fsetid", "kill",      "mknod",
      "net_bind_service", "setfcap", "setgid",       "setpcap", "setuid", "sys_chroot"};
  return *kNames;
}

TEST(CalculateCapabilities, TheDefaultsAreTheThirteen) {
  EXPECT_EQ(kDefaultCapabilities.bits(), 0xa80405fbu);
  EXPECT_EQ(SortedNames(kDefaultCapabilities), Thirteen());
}

// The table of what the exec driver gives.
TEST(CalculateCapabilities, AllowingAllGrantsNoMoreThanTheDefaults) {
  EXPECT_EQ(Calculate({"all"}, {}, {}), Thirteen());
}
TEST(CalculateCapabilities, AllowingTheDefaultsGrantsThem) {
  EXPECT_EQ(Calculate(Thirteen(), {}, {}), Thirteen());
}
TEST(CalculateCapabilities, AllowingLessShrinksTheDefaultGrant) {
  EXPECT_THAT(Calculate({"net_raw", "chown", "sys_time"}, {}, {}), ElementsAre("chown"));
}
TEST(CalculateCapabilities, AllowingNothingGrantsNothing) {
  EXPECT_THAT(Calculate({}, {}, {}), IsEmpty());
}
TEST(CalculateCapabilities, AnAllowedOneIsAdded) {
  std::vector<std::string> expected = Thirteen();
  expected.push_back("net_raw");
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(Calculate({"all"}, {"net_raw"}, {}), expected);
}
TEST(CalculateCapabilities, AddingADefaultChangesNothing) {
  EXPECT_EQ(Calculate(Thirteen(), {"chown"}, {}), Thirteen());
}
TEST(CalculateCapabilities, DroppingAllLeavesNothing) {
  EXPECT_THAT(Calculate(Thirteen(), {}, {"all"}), IsEmpty());
}
TEST(CalculateCapabilities, DroppingWhatIsNotThereChangesNothing) {
  EXPECT_EQ(Calculate(Thirteen(), {}, {"net_raw"}), Thirteen());
}
TEST(CalculateCapabilities, DropAllAndAddIsExactlyWhatIsAdded) {
  EXPECT_THAT(Calculate(Thirteen(), {"chown", "sys_chroot", "mknod"}, {"all"}),
              ElementsAre("chown", "mknod", "sys_chroot"));
}
TEST(CalculateCapabilities, AddBeatsDrop) {
  EXPECT_THAT(Calculate({"chown", "kill"}, {"chown"}, {"chown"}), ElementsAre("chown", "kill"));
}
TEST(CalculateCapabilities, AllCanBeAddedWhereAllIsAllowed) {
  EXPECT_EQ(Calculate({"all"}, {"all"}, {}), SortedNames(kKernel));
  EXPECT_EQ(Calculate({"all"}, {"all"}, {"all"}), SortedNames(kKernel));
}

TEST(CalculateCapabilities, ARefusalNamesEachOneInAlphabeticOrder) {
  const auto result = CalculateCapabilities(kDefaultCapabilities, kDefaultCapabilities,
                                            Named({"sys_time", "net_raw", "chown"}), {});
  EXPECT_EQ(result.status(),
            absl::PermissionDeniedError(
                "driver does not allow the following capabilities: net_raw, sys_time"));
}

TEST(CalculateCapabilities, AddingAllWhereOnlyTheDefaultsAreAllowedNamesTheOther28) {
  const auto result =
      CalculateCapabilities(kDefaultCapabilities, kDefaultCapabilities, kKernel, {});
  EXPECT_EQ(result.status().message(),
            "driver does not allow the following capabilities: audit_control, audit_read, "
            "block_suspend, bpf, checkpoint_restore, dac_read_search, ipc_lock, ipc_owner, lease, "
            "linux_immutable, mac_admin, mac_override, net_admin, net_broadcast, net_raw, perfmon, "
            "sys_admin, sys_boot, sys_module, sys_nice, sys_pacct, sys_ptrace, sys_rawio, "
            "sys_resource, sys_time, sys_tty_config, syslog, wake_alarm");
}

TEST(CalculateCapabilities, DroppingDoesNotMakeAForbiddenOneAllowed) {
  EXPECT_FALSE(CalculateCapabilities(kDefaultCapabilities, kDefaultCapabilities, Named({"net_raw"}),
                                     Named({"all"}))
                   .ok());
}

// Says of one capability at a time what a reader of the driver's page would: no set algebra in it.
enum class Verdict { kHeld, kNotHeld, kRefused };
Verdict Oracle(bool is_default, bool allowed, bool added, bool dropped) {
  if (added) return allowed ? Verdict::kHeld : Verdict::kRefused;
  if (dropped) return Verdict::kNotHeld;
  if (!is_default) return Verdict::kNotHeld;
  return allowed ? Verdict::kHeld : Verdict::kNotHeld;
}

// All 16^4 combinations of subsets of four capabilities from all over the range.
TEST(CalculateCapabilities, EveryCombinationAgreesWithTheOracle) {
  constexpr int kUniverse[] = {0, 21, 39, 40};
  const auto subset = [&](unsigned choice) {
    CapabilitySet set;
    for (int i = 0; i < 4; ++i) {
      if ((choice >> i) & 1) set = set | CapabilitySet{kUniverse[i]};
    }
    return set;
  };
  int refused_count = 0;
  for (unsigned all = 0; all < (1u << 16); ++all) {
    const unsigned defaults = all & 15, allow = all >> 4 & 15, add = all >> 8 & 15,
                   drop = all >> 12 & 15;
    const auto result =
        CalculateCapabilities(subset(defaults), subset(allow), subset(add), subset(drop));
    std::set<std::string> refused;
    CapabilitySet held;
    for (int i = 0; i < 4; ++i) {
      const auto in = [i](unsigned choice) { return ((choice >> i) & 1) != 0; };
      const Verdict verdict = Oracle(in(defaults), in(allow), in(add), in(drop));
      if (verdict == Verdict::kRefused) refused.insert(NameOf(kUniverse[i]));
      if (verdict == Verdict::kHeld) held = held | CapabilitySet{kUniverse[i]};
    }
    if (refused.empty()) {
      ASSERT_TRUE(result.ok()) << all << ": " << result.status();
      ASSERT_EQ(*result, held) << all;
    } else {
      ++refused_count;
      ASSERT_EQ(result.status().message(),
                "driver does not allow the following capabilities: " + absl::StrJoin(refused, ", "))
          << all;
    }
  }
  // add within allow: 3 of 4 ways for each of the four.
  EXPECT_EQ(refused_count, (1 << 16) - 256 * 81);
}

}  // namespace
}  // namespace cloister::capability
