#include "libs/plan/plan_files.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using node::HostPath;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlanFilesTest : public testing::Test {
 protected:
  PlanFilesTest() {
    auto* bind = root_.add_binds();
    bind->set_outside("/etc");
    bind->set_inside("/etc");
  }

  // "<place>\n<content>" of each.
  std::vector<std::string> Plan(absl::string_view config) {
    std::vector<std::string> texts;
    const auto files =
        PlanFiles(ExampleSpec(absl::StrCat("config { command: 'x' ", config, " }")), facts_, root_);
    EXPECT_THAT(files, IsOk());
    if (!files.ok()) return {"refused"};
    for (const internal::GeneratedFile& file : *files) {
      texts.push_back(absl::StrCat(file.inside(), "\n", file.content()));
    }
    return texts;
  }

  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kV2);
  internal::RootTemplate root_;
};

TEST_F(PlanFilesTest, NothingIsMadeUnlessItIsAskedFor) { EXPECT_THAT(Plan(""), IsEmpty()); }

TEST_F(PlanFilesTest, AHostnameIsInHostsBesideWhatTheNodeHasThere) {
  EXPECT_THAT(Plan("hostname: 'web'"),
              ElementsAre("/etc/hosts\n127.0.0.1 localhost\n10.1.2.3 db\n127.0.1.1 web\n",
                          "/etc/hostname\nweb\n"));
  facts_.hosts_text = "";
  EXPECT_THAT(Plan("hostname: 'web.example.org'"),
              ElementsAre("/etc/hosts\n127.0.0.1 localhost\n::1 localhost ip6-localhost "
                          "ip6-loopback\n127.0.1.1 web.example.org web\n",
                          "/etc/hostname\nweb.example.org\n"));
}

TEST_F(PlanFilesTest, DnsReplacesWhatItHasAndKeepsTheRestOfTheNodes) {
  facts_.resolv_conf_text =
      "# a comment\nnameserver 127.0.0.53\nsearch corp.example\noptions edns0 trust-ad\nbad\n";
  EXPECT_THAT(Plan("dns { servers: '10.0.0.1' servers: 'fd00::1' }"),
              ElementsAre("/etc/resolv.conf\nnameserver 10.0.0.1\nnameserver fd00::1\n"
                          "search corp.example\noptions edns0 trust-ad\n"));
  EXPECT_THAT(
      Plan("dns { searches: 'a' searches: 'b' options: 'ndots:2' }"),
      ElementsAre("/etc/resolv.conf\nsearch a b\noptions ndots:2\nnameserver 127.0.0.53\n"));
  EXPECT_THAT(Plan("dns { }"), ElementsAre("/etc/resolv.conf\nnameserver 127.0.0.53\n"
                                           "search corp.example\noptions edns0 trust-ad\n"));
}

TEST_F(PlanFilesTest, OverWhatALinkLeadsToIfTheRootHasThatToo) {
  facts_.etc_files[2] = {"/etc/resolv.conf", HostPath::Kind::kFile, true,
                         "/run/systemd/resolve/stub-resolv.conf"};
  const auto spec = ExampleSpec("config { command: 'x' dns { servers: '10.0.0.1' } }");
  const auto refused = PlanFiles(spec, facts_, root_);
  ASSERT_EQ(GetFieldViolations(refused.status()).size(), 1u);
  EXPECT_EQ(GetFieldViolations(refused.status())[0].field, "config.dns");
  auto* bind = root_.add_binds();
  bind->set_outside("/run/systemd/resolve");
  bind->set_inside("/run/systemd/resolve");
  EXPECT_EQ(Plan("dns { servers: '10.0.0.1' }")[0].substr(0, 38),
            "/run/systemd/resolve/stub-resolv.conf\n");
  // There, but not where the link leads to.
  bind->set_inside("/elsewhere");
  EXPECT_FALSE(PlanFiles(spec, facts_, root_).ok());
}

TEST_F(PlanFilesTest, NotOverWhatIsNoPlainFile) {
  facts_.etc_files[0] = {"/etc/hosts"};
  facts_.etc_files[1].kind = HostPath::Kind::kDirectory;
  EXPECT_THAT(Plan("hostname: 'web'"), IsEmpty());
}

TEST_F(PlanFilesTest, WhatIsElsewhereOnTheNodeIsFoundInItsPlace) {
  root_.mutable_binds(0)->set_outside("/srv/etc");
  facts_.etc_files[1].resolved = "/srv/etc/hostname";
  EXPECT_THAT(Plan("hostname: 'web'"), ElementsAre("/etc/hostname\nweb\n"));
}

}  // namespace
}  // namespace cloister::plan
