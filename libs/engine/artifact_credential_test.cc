#include "libs/engine/artifact_credential.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/base/status_matchers.h"

namespace cloister::engine {
namespace {

using artifact::Credential;
using node::ArtifactCredential;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Kind = ArtifactCredential::Kind;

constexpr char kSecret[] = "open-sesame";

class ArtifactCredentialTest : public testing::Test {
 protected:
  ArtifactCredentialTest() { Add("store", Kind::kBearer, absl::StrCat(kSecret, "\n")); }

  ArtifactCredential& Add(const std::string& name, Kind kind, const std::string& text) {
    directory_.Write(name, text, 0600);
    ArtifactCredential credential;
    credential.name = name;
    credential.kind = kind;
    credential.file = Path(name);
    policy_.credentials.push_back(credential);
    return policy_.credentials.back();
  }
  void AddProgram(const std::string& name, const std::string& script) {
    ArtifactCredential credential;
    credential.name = name;
    credential.exec = {"/bin/sh", "-c", script};
    policy_.credentials.push_back(credential);
  }
  std::string Path(const std::string& name) const {
    return absl::StrCat(directory_.path(), "/", name);
  }
  absl::StatusOr<Credential> Read(const std::string& name, const std::string& tenant = "client/a") {
    return ReadCredential(policy_, name, tenant);
  }
  // Refused, and nothing of the secret said.
  void ExpectRefused(const std::string& name, const std::string& why) {
    EXPECT_THAT(Read(name), StatusIs(absl::StatusCode::kFailedPrecondition,
                                     AllOf(HasSubstr(absl::StrCat("credentials '", name, "'")),
                                           HasSubstr(why), Not(HasSubstr(kSecret)))));
  }

  artifact::ScratchDirectory directory_;
  node::ArtifactPolicy policy_;
};

TEST_F(ArtifactCredentialTest, WithoutANameThereIsNone) {
  const auto none = Read("");
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(none->kind, Credential::Kind::kNone);
}

TEST_F(ArtifactCredentialTest, ASecretIsWithoutItsLineEnd) {
  const auto bearer = Read("store");
  ASSERT_THAT(bearer, IsOk());
  EXPECT_EQ(bearer->kind, Credential::Kind::kBearer);
  EXPECT_EQ(bearer->secret, kSecret);
  Add("basic", Kind::kBasic, kSecret).user = "alice";
  const auto basic = Read("basic");
  ASSERT_THAT(basic, IsOk());
  EXPECT_EQ(basic->kind, Credential::Kind::kBasic);
  EXPECT_EQ(basic->user, "alice");
  EXPECT_EQ(basic->secret, kSecret);
}

TEST_F(ArtifactCredentialTest, WhoIsNotNamedHasNoneAndCannotTellWhetherThereIsOne) {
  policy_.credentials[0].tenants = {"client/a", "uid:7"};
  EXPECT_THAT(Read("store", "uid:7"), IsOk());
  const absl::Status refused = Read("store", "client/b").status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied));
  policy_.credentials.clear();
  EXPECT_EQ(Read("store", "client/b").status(), refused);
}

TEST_F(ArtifactCredentialTest, AFileIsOurOwnAndNobodyElseReadsIt) {
  for (const mode_t mode : {0640, 0604, 0620, 0602}) {
    ASSERT_EQ(chmod(Path("store").c_str(), mode), 0);
    ExpectRefused("store", "mode 0600");
  }
  ASSERT_EQ(chmod(Path("store").c_str(), 0400), 0);
  EXPECT_THAT(Read("store"), IsOk());
}

TEST_F(ArtifactCredentialTest, LinksDirectoriesAndPipesAreNoFiles) {
  Add("link", Kind::kBearer, "");
  ASSERT_EQ(unlink(Path("link").c_str()), 0);
  EXPECT_FALSE(Read("link").ok());
  directory_.Link("link", "store");
  EXPECT_FALSE(Read("link").ok());
  ASSERT_EQ(unlink(Path("link").c_str()), 0);
  ASSERT_EQ(mkfifo(Path("link").c_str(), 0600), 0);
  ExpectRefused("link", "must be a file");
}

TEST_F(ArtifactCredentialTest, WhatHoldsNoSecretIsRefused) {
  Add("empty", Kind::kBearer, "\n \n");
  ExpectRefused("empty", "is empty");
  Add("two", Kind::kHeader, absl::StrCat(kSecret, "\r\nX-Other: 1"));
  ExpectRefused("two", "more than one line");
  Add("large", Kind::kBearer, std::string((64 << 10) + 1, 'x'));
  ExpectRefused("large", "64 KiB");
}

TEST_F(ArtifactCredentialTest, KeysOfAwsAreLines) {
  Add("aws", Kind::kAws,
      absl::StrCat("[default]\naws_access_key_id = AK\nsecret_access_key=", kSecret,
                   "\naws_session_token=T\n"));
  const auto aws = Read("aws");
  ASSERT_THAT(aws, IsOk());
  EXPECT_EQ(aws->kind, Credential::Kind::kAws);
  EXPECT_EQ(aws->user, "AK");
  EXPECT_EQ(aws->secret, kSecret);
  EXPECT_EQ(aws->session_token, "T");
  Add("half", Kind::kAws, absl::StrCat("secret_access_key=", kSecret));
  ExpectRefused("half", "access_key_id");
}

TEST_F(ArtifactCredentialTest, AKeyOfSshHasItsHosts) {
  directory_.Write("hosts", "h ssh-ed25519 AAAA\n", 0644);
  Add("git", Kind::kSshKey, "-----BEGIN\nkey\n").known_hosts = Path("hosts");
  const auto key = Read("git");
  ASSERT_THAT(key, IsOk());
  EXPECT_EQ(key->secret, "-----BEGIN\nkey\n");
  EXPECT_EQ(key->known_hosts, "h ssh-ed25519 AAAA\n");
  // Who can write it chooses who is believed.
  ASSERT_EQ(chmod(Path("hosts").c_str(), 0666), 0);
  ExpectRefused("git", "write");
}

TEST_F(ArtifactCredentialTest, AProgramPrintsOneAndHasNothingOfOurs) {
  ASSERT_EQ(setenv("CLOISTER_OURS", "1", 1), 0);
  AddProgram("token", "echo aside >&2; echo ${CLOISTER_OURS-open}-sesame");
  const auto token = Read("token");
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token->secret, kSecret);
  AddProgram("fails", absl::StrCat("echo ", kSecret, "; exit 3"));
  ExpectRefused("fails", "exits with 3");
  AddProgram("killed", absl::StrCat("echo ", kSecret, "; kill -9 $$"));
  ExpectRefused("killed", "signal 9");
  AddProgram("floods", "yes");
  ExpectRefused("floods", "64 KiB");
}

}  // namespace
}  // namespace cloister::engine
