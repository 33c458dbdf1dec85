#include "libs/node/node_policy.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_matchers.h"

namespace cloister::node {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;

TEST(DefaultNodePolicy, AllowsNoMoreThanItGrants) {
  const NodePolicy policy = DefaultNodePolicy();
  EXPECT_EQ(policy.default_capabilities.bits(), 0xa80405fbu);
  EXPECT_FALSE(policy.allow_caps.all);
  EXPECT_EQ(policy.allow_caps.named, policy.default_capabilities);
}

TEST(DefaultNodePolicy, RefusesRootAndSystemGroups) {
  EXPECT_THAT(DefaultNodePolicy().denied_uids, ElementsAre(0u));
  EXPECT_EQ(DefaultNodePolicy().min_chosen_gid, 1000u);
}

TEST(DefaultNodePolicy, HasTheNineChrootEntriesAtTheirOwnPlaces) {
  std::vector<std::string> paths;
  for (const ChrootEntry& entry : DefaultNodePolicy().chroot_entries) {
    EXPECT_EQ(entry.outside, entry.inside);
    paths.push_back(entry.outside);
  }
  EXPECT_THAT(paths, ElementsAre("/bin", "/etc", "/lib", "/lib32", "/lib64", "/run/resolvconf",
                                 "/run/systemd/resolve", "/sbin", "/usr"));
}

TEST(DefaultNodePolicy, MaskedPathsAreEachThereOnceAndNoneLiesInAnother) {
  const NodePolicy policy = DefaultNodePolicy();
  std::vector<std::string> all = policy.hidden_paths;
  all.insert(all.end(), policy.read_only_paths.begin(), policy.read_only_paths.end());
  for (const std::string& a : all) {
    EXPECT_EQ(std::count_if(all.begin(), all.end(),
                            [&](const std::string& b) { return IsBeneath(a, b); }),
              1)
        << a;
  }
  EXPECT_THAT(policy.read_only_paths, Contains("/proc/sys"));
  EXPECT_THAT(policy.hidden_paths, Contains("/proc/kcore"));
}

TEST(ParseChrootEntries, TakesPathsAndPairs) {
  EXPECT_THAT(
      ParseChrootEntries("/bin,/srv/tools:/opt/tools,"),
      IsOkAndHolds(ElementsAre(FieldsAre("/bin", "/bin"), FieldsAre("/srv/tools", "/opt/tools"))));
  EXPECT_THAT(ParseChrootEntries(""), IsOkAndHolds(IsEmpty()));
}

TEST(ParseChrootEntries, RefusesWhatIsNoPath) {
  for (const char* text :
       {"bin", "/bin/", "/a/../b", "/a:b", "/a:/b:/c", "/a:", ":/a", "//a", "/a,."}) {
    EXPECT_THAT(ParseChrootEntries(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace cloister::node
