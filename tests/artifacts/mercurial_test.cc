// Tasks with artifacts of Mercurial from a real `hg serve`, through the whole stack; and what
// hostile repositories and their servers try.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/hg_server.h"
#include "libs/artifact/testing/nginx.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/artifacts/artifact_fixture.h"
#include "tests/artifacts/test_network.h"
#include "tests/fetcher/loopback_servers.h"

namespace cloister {
namespace {

using artifact::HgServer;
using artifact::MakeHgRepositories;
using testing::HasSubstr;
using testing::IsEmpty;

// Configuration that would run something, in every place that hg could take it from.
constexpr char kMakeRepositories[] = R"(
hg init app && cd app && mkdir sub && echo one >sub/file && echo '#!/bin/sh' >run && chmod 755 run
hg commit -qAm one && hg log -r tip -T '{node}' >../first && hg tag v1
echo two >sub/file && hg commit -qm two
cd .. && hg init evil && cd evil && echo x >file
printf '[hooks]\npre-archive = touch CANARY/hooked\n[extensions]\ne = ext.py\n' >hgrc
cp hgrc .hgrc && echo 'open("CANARY/extension", "w")' >ext.py
echo 'sub = http://169.254.169.254/latest' >.hgsub
echo '0000000000000000000000000000000000000000 sub' >.hgsubstate
hg commit -qAm config
ln -s /etc link && hg commit -qAm link && hg tag -l link && hg rm -q link
head -c 3000000 /dev/urandom >big && hg commit -qAm big && hg rm -q big && hg commit -qm small
hg tag -l small
hg up -qr 0
)";

class MercurialTest : public ArtifactTest {
 protected:
  static void SetUpTestSuite() {
    made_ = new artifact::ScratchDirectory;
    made_->MakeDirectory("canary");
    made_->MakeDirectory("hg");
    ASSERT_THAT(MakeHgRepositories(made_->path() + "/hg",
                                   absl::StrReplaceAll(kMakeRepositories,
                                                       {{"CANARY", made_->path() + "/canary"}})),
                IsOk());
  }
  static void TearDownTestSuite() { delete made_; }

  void SetUp() override {
    auto hg = HgServer::Start(made_->path() + "/hg");
    ASSERT_THAT(hg, IsOk());
    hg_ = *std::move(hg);
    certificates_ = artifact::MakeTestCertificates(www().path(), "IP:127.0.0.1");
    ASSERT_THAT(certificates_, IsOk());
    www().Write("ca.pem", certificates_->ca_pem);
    www().Write("secret", "wonderland", 0600);
    www().Write("users", "alice:{PLAIN}wonderland\n");
    ArtifactTest::SetUp();
  }
  void TearDown() override {
    EXPECT_THAT(made_->List("canary"), IsEmpty()) << "what a repository brings was run";
    hg_.reset();
    ArtifactTest::TearDown();
  }
  std::string Policy() override {
    return absl::StrCat("  attempts = 1\n  allow_hg = true\n  max_size = 1\n  ca_file = \"",
                        www().path(),
                        "/ca.pem\"\n  credentials \"alice\" {\n    type = \"basic\"\n    "
                        "user = \"alice\"\n    file = \"",
                        www().path(), "/secret\"\n    hosts = [\"127.0.0.1\"]\n  }\n");
  }

  std::string Source(const std::string& path) const { return absl::StrCat("hg::", hg_->Url(path)); }
  // Why a task with that artifact does not start.
  std::string Refused(const std::string& source) {
    v1::StartTaskRequest request = Shell("true");
    Add(&request, source);
    const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    EXPECT_FALSE(outcome.ok()) << source;
    EXPECT_THAT(Unfinished(), IsEmpty());
    const auto kept = cluster().client().ListArtifacts({});
    EXPECT_THAT(kept, IsOk());
    EXPECT_EQ(kept.ok() ? kept->artifacts_size() : 0, 0) << source;
    return std::string(outcome.status().message());
  }

  // Repositories, in `hg`, and in `canary` what nobody is to make.
  static artifact::ScratchDirectory* made_;
  std::unique_ptr<HgServer> hg_;
  absl::StatusOr<artifact::TestCertificates> certificates_ = absl::UnknownError("");
};

artifact::ScratchDirectory* MercurialTest::made_ = nullptr;

TEST_F(MercurialTest, ARepositoryComesAndItsPartAndRevisionAreChosen) {
  v1::StartTaskRequest whole = Shell("cat /local/sub/file; stat -c %a /local/run; ls -A /local");
  Add(&whole, Source("/app"));
  EXPECT_EQ(OutputOf(whole), "two\n755\n.hgtags\nrun\nsub\n");
  v1::StartTaskRequest part = Shell("cat /local/file; ls -A /local");
  Add(&part, Source("/app//sub?rev=v1"));
  EXPECT_EQ(OutputOf(part), "one\nfile\n");
}

TEST_F(MercurialTest, WhatAnIdNamesIsServedFromTheCache) {
  const std::string id = made_->Read("hg/first");
  v1::StartTaskRequest request = Shell("cat /local/sub/file");
  Add(&request, absl::StrCat(Source("/app?rev="), id));
  v1::Task task;
  EXPECT_EQ(OutputOf(request, &task), "one\n");
  EXPECT_EQ(task.artifacts(0).digest(), "hg:" + id);
  EXPECT_FALSE(task.artifacts(0).cached());
  request.set_request_id(RandomId());
  hg_.reset();
  EXPECT_EQ(OutputOf(request, &task), "one\n");
  EXPECT_TRUE(task.artifacts(0).cached());
}

TEST_F(MercurialTest, ItComesByTlsWithACredentialOfTheNode) {
  const auto nginx =
      artifact::Nginx::Start(www().path(),
                             absl::StrCat("location / { auth_basic hg; auth_basic_user_file ",
                                          www().path(), "/users; ", hg_->ProxyPass(), "; }"),
                             &*certificates_);
  ASSERT_THAT(nginx, IsOk());
  const std::string source = absl::StrCat("hg::", (*nginx)->TlsUrl("127.0.0.1", "/app"));
  EXPECT_THAT(Refused(source), HasSubstr("401"));
  v1::StartTaskRequest request = Shell("cat /local/sub/file");
  (*Add(&request, source)->mutable_options())["credentials"] = "alice";
  EXPECT_EQ(OutputOf(request), "two\n");
}

TEST_F(MercurialTest, NothingThatARepositoryBringsIsRunOrFollowed) {
  EXPECT_THAT(Refused(Source("/evil?rev=link")), HasSubstr("absolute path '/etc'"));
  v1::StartTaskRequest request = Shell("ls -A /local; cat /local/.hgsub");
  Add(&request, Source("/evil?rev=0"));
  EXPECT_EQ(
      OutputOf(request),
      ".hgrc\n.hgsub\n.hgsubstate\next.py\nfile\nhgrc\nsub = http://169.254.169.254/latest\n");
}

TEST_F(MercurialTest, ARepositoryThatIsTooLargeIsNotFetched) {
  // Its files are few, its history is not.
  EXPECT_THAT(Refused(Source("/evil?rev=small")), HasSubstr("limit max_bytes"));
}

TEST_F(MercurialTest, ARevisionIsNoOption) {
  for (const char* rev : {"--config=hooks.pre-archive=touch", "-Rx"}) {
    v1::StartTaskRequest request = Shell("true");
    (*Add(&request, Source("/app"))->mutable_options())["rev"] = rev;
    EXPECT_FALSE(cluster().Run(request).ok());
  }
  EXPECT_THAT(Refused(Source("/app?rev=all()")), HasSubstr("all()"));
}

TEST_F(MercurialTest, ARedirectToMetadataIsRefused) {
  const LineServer metadata(
      "HTTP/1.1 200 OK\r\nContent-Type: application/mercurial-0.1\r\n"
      "Content-Length: 0\r\nConnection: close\r\n\r\n",
      true, kMetadata);
  const std::string target =
      absl::StrCat("http://", kMetadata, ":", metadata.port(), "/app?cmd=capabilities");
  const artifact::ScriptedServer hostile(
      absl::StrCat("HTTP/1.1 302 Found\r\nLocation: ", target,
                   "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(Refused(absl::StrCat("hg::", hostile.Url("/app"))), HasSubstr(kMetadata));
  EXPECT_EQ(metadata.connections(), 0);
}

class WithoutMercurialTest : public MercurialTest {
 protected:
  std::string Policy() override { return "  attempts = 1\n"; }
};

TEST_F(WithoutMercurialTest, WhereThePolicyDoesNotAllowItItIsRefused) {
  EXPECT_THAT(Refused(Source("/app")), HasSubstr("allow_hg"));
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  if (!cloister::EnterTestNetwork("")) {
    std::perror("a network of the test's own");
    return 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
