#include "libs/plan/check_artifact_source.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::plan {
namespace {

using ::testing::HasSubstr;

class CheckArtifactSourceTest : public testing::Test {
 protected:
  absl::Status Check(const std::string& source, const std::string& credentials = "") {
    std::map<std::string, std::string> options;
    if (!credentials.empty()) options["credentials"] = credentials;
    const auto parsed = artifact::ParseArtifactSource(source, options);
    EXPECT_THAT(parsed, IsOk());
    return CheckArtifactSource(*parsed, policy_);
  }
  static auto Denied(const std::string& why) {
    return StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr(why));
  }

  node::ArtifactPolicy policy_;
};

TEST_F(CheckArtifactSourceTest, ByDefaultTheWorldIsOpenAndTheNodesOwnNeighbourhoodIsNot) {
  EXPECT_THAT(Check("https://example.com/x"), IsOk());
  EXPECT_THAT(Check("git::ssh://git@example.com/x.git"), IsOk());
  EXPECT_THAT(Check("http://127.0.0.1/x"), Denied("127.0.0.1"));
  EXPECT_THAT(Check("http://169.254.169.254/latest"), Denied("169.254.169.254"));
  EXPECT_THAT(Check("http://[::1]/x"), Denied("::1"));
}

TEST_F(CheckArtifactSourceTest, FilesOfTheNodeAreThoseThatItsPolicyLists) {
  EXPECT_THAT(Check("file:///srv/a/x"), Denied("no file_sources"));
  policy_.file_sources = {"/srv/a"};
  EXPECT_THAT(Check("file:///srv/a/x"), IsOk());
  EXPECT_THAT(Check("file:///srv/ab"), Denied("only from /srv/a"));
  EXPECT_THAT(Check("file:///srv/a/%2e%2e/b"), Denied("only from /srv/a"));
}

TEST_F(CheckArtifactSourceTest, MercurialIsOffUntilThePolicyTurnsItOn) {
  EXPECT_THAT(Check("hg::https://example.com/x"), Denied("allow_hg"));
  policy_.allow_hg = true;
  EXPECT_THAT(Check("hg::https://example.com/x"), IsOk());
}

TEST_F(CheckArtifactSourceTest, CredentialsGoToTheirHostsOnly) {
  node::ArtifactCredential credential;
  credential.name = "c";
  credential.hosts = {"files.example.com"};
  policy_.credentials = {credential};
  EXPECT_THAT(Check("https://files.example.com/x", "c"), IsOk());
  EXPECT_THAT(Check("https://evil.example.com/x", "c"), Denied("go to files.example.com only"));
  EXPECT_THAT(Check("https://files.example.com/x", "d"), Denied("no credentials 'd'"));
}

TEST_F(CheckArtifactSourceTest, CredentialsTravelEncryptedUnlessTheirEntrySaysOtherwise) {
  node::ArtifactCredential credential;
  credential.name = "c";
  credential.hosts = {"files.example.com", "*.amazonaws.com"};
  policy_.credentials = {credential};
  EXPECT_THAT(Check("http://files.example.com/x", "c"), Denied("'c' of this node do not go with"));
  EXPECT_THAT(Check("git::http://files.example.com/x.git", "c"), Denied("plain http"));
  EXPECT_THAT(Check("s3::http://bucket.s3.eu-west-1.amazonaws.com/k", "c"), Denied("plain http"));
  EXPECT_THAT(Check("http://files.example.com/x"), IsOk());
  policy_.credentials[0].allow_http = true;
  EXPECT_THAT(Check("http://files.example.com/x", "c"), IsOk());
  EXPECT_THAT(Check("http://evil.example.com/x", "c"), Denied("files.example.com"));
}

TEST_F(CheckArtifactSourceTest, SoDoesTheListThatADigestIsReadFrom) {
  node::ArtifactCredential credential;
  credential.name = "c";
  credential.hosts = {"files.example.com"};
  policy_.credentials = {credential};
  const auto check = [this](const std::string& list) {
    const auto parsed = artifact::ParseArtifactSource(
        "https://files.example.com/x", {{"credentials", "c"}, {"checksum", "file:" + list}});
    EXPECT_THAT(parsed, IsOk());
    return CheckArtifactSource(*parsed, policy_);
  };
  EXPECT_THAT(check("https://files.example.com/SHA256SUMS"), IsOk());
  EXPECT_THAT(check("http://files.example.com/SHA256SUMS"), Denied("list of checksums"));
  policy_.credentials[0].allow_http = true;
  EXPECT_THAT(check("http://files.example.com/SHA256SUMS"), IsOk());
}

TEST_F(CheckArtifactSourceTest, ANodeMayFetchNothing) {
  policy_.enabled = false;
  EXPECT_THAT(Check("https://example.com/x"), Denied("fetches no artifacts"));
}

}  // namespace
}  // namespace cloister::plan
