// Tasks with artifacts of every kind of source, in every kind of place, through the whole stack.
#include <stdlib.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/git_servers.h"
#include "libs/artifact/testing/s3_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/error_reason.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "tests/artifacts/artifact_fixture.h"
#include "tests/artifacts/test_network.h"
#include "tests/testing/cloister_program.h"

namespace cloister {
namespace {

using artifact::RunProgram;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kTool[] = "#!/bin/sh\necho tool \"$@\"\n";

class SourcesTest : public ArtifactTest {
 protected:
  void SetUp() override {
    www().Write("hello", "hello\n");
    www().Write("tool", kTool);
    www().Write("pack/app-1/conf/a", "a=1\n");
    www().Write("pack/app-1/bin/run", kTool, 0755);
    Pack("pack", "app.tar.gz");
    ArtifactTest::SetUp();
  }
  Said Cloister(const std::vector<std::string>& words) {
    absl::StatusOr<Said> said = RunCloister(words, cluster().address());
    EXPECT_THAT(said, IsOk());
    return said.ok() ? *std::move(said) : Said();
  }
};

TEST_F(SourcesTest, ByDefaultAFileIsInLocalAndRootsAndReadOnly) {
  v1::StartTaskRequest request = Shell(
      "stat -c '%u %a' /local/hello; cat /local/hello; "
      "echo x >/local/hello || echo refused; echo y >/local/mine && echo beside");
  Add(&request, server().Url("/hello"), Sum("hello\n"));
  v1::Task task;
  EXPECT_EQ(OutputOf(request, &task), "0 755\nhello\nrefused\nbeside\n");
  ASSERT_EQ(task.artifacts_size(), 1);
  EXPECT_EQ(task.artifacts(0).state(), v1::ArtifactStatus::STATE_READY);
  EXPECT_EQ(task.artifacts(0).digest(), Sum("hello\n"));
  EXPECT_EQ(task.artifacts(0).destination(), "/local");
  EXPECT_TRUE(task.start_phases().has_artifacts());
}

TEST_F(SourcesTest, ACommandIsFoundInLocalAndMadeExecutable) {
  for (const char* cache : {"tenant", "off"}) {
    v1::StartTaskRequest request = Request({"tool", "a", "b"});
    Add(&request, server().Url("/tool"), Sum(kTool))->set_cache(cache);
    EXPECT_EQ(OutputOf(request), "tool a b\n") << cache;
  }
}

TEST_F(SourcesTest, AnArchiveComesWithItsPartAndWithoutItsFirstNames) {
  v1::StartTaskRequest part = Shell("cat /local/a");
  Add(&part, server().Url("/app.tar.gz") + "//app-*/conf");
  EXPECT_EQ(OutputOf(part), "a=1\n");
  v1::StartTaskRequest stripped = Shell("cat /opt/app/conf/a; /opt/app/bin/run x");
  v1::Artifact* artifact = Add(&stripped, server().Url("/app.tar.gz"));
  (*artifact->mutable_options())["strip_components"] = "1";
  artifact->set_destination("/opt/app");
  EXPECT_EQ(OutputOf(stripped), "a=1\ntool x\n");
  v1::StartTaskRequest whole = Shell("test -f /local/packed && echo packed");
  artifact = Add(&whole, server().Url("/app.tar.gz"));
  artifact->set_mode("file");
  (*artifact->mutable_options())["archive"] = "false";
  artifact->set_destination("local/packed");
  EXPECT_EQ(OutputOf(whole), "packed\n");
}

TEST_F(SourcesTest, ACopyIsTheTasksOwn) {
  v1::StartTaskRequest request =
      Shell("test -O /local/hello && echo mine; echo more >>/local/hello && cat /local/hello");
  Add(&request, server().Url("/hello"), Sum("hello\n"))->set_chown(true);
  EXPECT_EQ(OutputOf(request), "mine\nhello\nmore\n");
  // What it has written is its own.
  EXPECT_EQ(OutputOf(request), "mine\nhello\nmore\n");
}

TEST_F(SourcesTest, TwoArtifactsOfOneDirectoryAreMergedAndTheLaterOneWins) {
  www().Write("one/d/x", "1");
  www().Write("one/d/y", "1");
  www().Write("two/d/y", "2");
  www().Write("two/d/z", "2");
  Pack("one", "one.tar.xz");
  Pack("two", "two.tar.zst");
  v1::StartTaskRequest request = Shell("cd /local/d; cat x y z");
  Add(&request, server().Url("/one.tar.xz"));
  Add(&request, server().Url("/two.tar.zst"));
  EXPECT_EQ(OutputOf(request), "122");
}

TEST_F(SourcesTest, InSecretsItIsACopyInTheTasksOwnMemory) {
  v1::StartTaskRequest request = Shell(
      "cd /secrets; stat -f -c %T .; cat hello app/conf/a one/key; stat -c '%u %a' hello; "
      "test -O one/key && echo mine; echo x >one/key && cat one/key; "
      "rm hello && echo gone; /secrets/one/key 2>/dev/null || echo not run");
  Add(&request, server().Url("/hello"), Sum("hello\n"))->set_destination("secrets/");
  v1::Artifact* tree = Add(&request, server().Url("/app.tar.gz"));
  (*tree->mutable_options())["strip_components"] = "1";
  tree->set_destination("/secrets/app");
  v1::Artifact* file = Add(&request, server().Url("/hello"), Sum("hello\n"));
  file->set_mode("file");
  file->set_chown(true);
  file->set_destination("${NOMAD_SECRETS_DIR}/one/key");
  EXPECT_EQ(OutputOf(request), "tmpfs\nhello\na=1\nhello\n0 755\nmine\nx\ngone\nnot run\n");
}

TEST_F(SourcesTest, WhatDoesNotFitIntoSecretsIsRefused) {
  www().Write("big", std::string(2 << 20, 'x'));
  v1::StartTaskRequest request = Shell("stat -c %s /secrets/big");
  Add(&request, server().Url("/big"))->set_destination("secrets");
  const absl::Status refused = cluster().Run(request).status();
  EXPECT_EQ(GetReason(refused), "ARTIFACT_FAILED");
  EXPECT_THAT(refused.message(), HasSubstr("/secrets, which has 1048576 bytes"));
  request.set_request_id(RandomId());
  request.mutable_config()->mutable_resources()->set_secrets(4);
  EXPECT_EQ(OutputOf(request), "2097152\n");
}

TEST_F(SourcesTest, ARepositoryComesByHttp) {
  ASSERT_THAT(
      RunProgram({"/bin/sh", "-ec",
                  absl::StrCat("mkdir ", www().path(), "/git; cd ", www().path(),
                               "/git; git init -q -b main app; cd app; mkdir sub; echo one "
                               ">sub/file; git add .; git -c user.name=a -c user.email=a@b commit "
                               "-qm one; git tag v1; cd ..; git clone -q --bare app app.git")},
                 {"PATH=/usr/bin:/bin", "HOME=/nonexistent"}),
      IsOk());
  const auto git = artifact::GitHttpServer::Start(www().path(), www().path() + "/git");
  ASSERT_THAT(git, IsOk());
  v1::StartTaskRequest request = Shell("cat /local/file; ls -a /local");
  Add(&request, absl::StrCat("git::", (*git)->Url("/app.git//sub?ref=v1")));
  EXPECT_EQ(OutputOf(request), "one\n.\n..\nfile\n");
}

TEST_F(SourcesTest, WhatIsKeptIsServedToItsTenantAndWhatIsOffToNobody) {
  v1::Task task;
  for (const char* cache : {"off", "tenant", "tenant", "public", "public"}) {
    v1::StartTaskRequest request = Shell("cat /local/hello");
    Add(&request, server().Url("/hello"), Sum("hello\n"))->set_cache(cache);
    EXPECT_EQ(OutputOf(request, &task), "hello\n");
  }
  EXPECT_TRUE(task.artifacts(0).cached());
  const Said said = Cloister({"artifact", "ls", "--json"});
  EXPECT_THAT(said.out, HasSubstr(Sum("hello\n")));
  EXPECT_EQ(Cloister({"artifact", "prune"}).code, 0);
  EXPECT_THAT(Cloister({"artifact", "ls"}).out, Not(HasSubstr("hello")));
}

TEST_F(SourcesTest, TheCacheIsFilledAheadByTheCommandLine) {
  const Said said = Cloister({"artifact", "fetch", "--option",
                              absl::StrCat("checksum=", Sum("hello\n")), server().Url("/hello")});
  EXPECT_EQ(said.code, 0) << said.err;
  v1::StartTaskRequest request = Shell("cat /local/hello");
  Add(&request, server().Url("/hello"), Sum("hello\n"));
  v1::Task task;
  EXPECT_EQ(OutputOf(request, &task), "hello\n");
  EXPECT_TRUE(task.artifacts(0).cached());
}

TEST_F(SourcesTest, AWrongDigestIsRefusedWithBothAndLeavesNothing) {
  v1::StartTaskRequest request = Shell("true");
  Add(&request, server().Url("/hello"), Sum("other"));
  const absl::Status status = cluster().Run(request).status();
  EXPECT_EQ(GetReason(status), "ARTIFACT_FAILED");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(Sum("other").substr(7)), HasSubstr(Sum("hello\n").substr(7))));
  EXPECT_THAT(Cloister({"artifact", "ls"}).out, Not(HasSubstr("hello")));
  EXPECT_EQ(Cloister({"ps", "--all", "--quiet"}).out, "");
}

TEST_F(SourcesTest, RetriesAreTold) {
  v1::StartTaskRequest request = Shell("true");
  Add(&request, server().Url("/gone"));
  const absl::Status status = cluster().Run(request).status();
  EXPECT_EQ(GetReason(status), "ARTIFACT_FAILED");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("after 2 attempts"), HasSubstr("503")));
}

TEST_F(SourcesTest, RunShowsLinesWhereThereIsNoTerminalAndBarsWhereThereIs) {
  const auto file = WriteTestFile(
      absl::StrCat("job-", RandomId(), ".hcl"),
      absl::StrCat("task \"t\" {\n  driver = \"exec\"\n  config {\n    command = \"tool\"\n  }\n"
                   "  artifact {\n    source = \"",
                   server().Url("/tool"), "\"\n  }\n}\n"));
  ASSERT_THAT(file, IsOk());
  const Said lines = Cloister({"run", *file});
  EXPECT_EQ(lines.out, "tool\n");
  EXPECT_THAT(lines.err, AllOf(HasSubstr("ready "), HasSubstr("/tool"), Not(HasSubstr("\x1b["))));
  // script(1) gives it a terminal.
  const std::string typescript = absl::StrCat(*file, ".tty");
  EXPECT_THAT(RunProgram({"/usr/bin/script", "-qec",
                          absl::StrCat(getenv("CLOISTER_TEST_CLI"), " run ", *file), typescript},
                         {absl::StrCat("CLOISTER_ADDR=", cluster().address()), "PATH=/usr/bin:/bin",
                          "TERM=xterm", "SHELL=/bin/sh"}),
              IsOk());
  EXPECT_THAT(artifact::FileContents(typescript), AllOf(HasSubstr("\x1b[K"), HasSubstr("ready ")));
}

// Policy with secrets, files of the node, and authorities of its own.
class NodeSecretsTest : public SourcesTest {
 protected:
  void SetUp() override {
    certificates_ = artifact::MakeTestCertificates(www().path(), "DNS:internal.file.server");
    ASSERT_THAT(certificates_, IsOk());
    artifact::WriteFile(www().path() + "/ca.pem", certificates_->ca_pem);
    www().Write("aws",
                absl::StrCat("aws_access_key_id = ", artifact::S3Server::kAccessKey,
                             "\naws_secret_access_key = ", artifact::S3Server::kSecretKey, "\n"),
                0600);
    www().Write("shared/f", "of the node\n");
    www().Write("private/f", "of the node alone\n");
    SourcesTest::SetUp();
  }
  std::string Policy() override {
    return absl::StrCat(
        "  attempts = 2\n  ca_file = \"", www().path(), "/ca.pem\"\n  file_sources = [\"",
        www().path(), "/shared\"]\n  credentials \"store\" {\n    type = \"aws\"\n    file = \"",
        www().path(), "/aws\"\n    hosts = [\"127.0.0.1\"]\n    allow_http = true\n  }\n",
        "  credentials \"tls-only\" {\n    type = \"bearer\"\n    file = \"", www().path(),
        "/aws\"\n    hosts = [\"127.0.0.1\"]\n  }\n");
  }

  absl::StatusOr<artifact::TestCertificates> certificates_ = absl::UnknownError("");
};

TEST_F(NodeSecretsTest, AnObjectOfS3ComesByACredentialOfTheNode) {
  www().MakeDirectory("s3/data/bucket");
  www().MakeDirectory("s3/versions");
  const auto s3 = artifact::S3Server::Start(www().path() + "/s3");
  if (!s3.ok()) GTEST_SKIP() << s3.status();
  ASSERT_THAT((*s3)->Put("/bucket/o", "object"), IsOk());
  v1::StartTaskRequest request = Shell("cat /local/o");
  v1::Artifact* artifact = Add(&request, absl::StrCat("s3::", (*s3)->endpoint(), "/bucket/o"));
  (*artifact->mutable_options())["region"] = artifact::S3Server::kRegion;
  EXPECT_EQ(GetReason(cluster().Run(request).status()), "ARTIFACT_FAILED");
  (*artifact->mutable_options())["credentials"] = "store";
  request.set_request_id(RandomId());
  EXPECT_EQ(OutputOf(request), "object");
}

TEST_F(NodeSecretsTest, ACredentialDoesNotTravelUnencryptedUnlessItsEntrySaysSo) {
  v1::StartTaskRequest request = Shell("true");
  v1::Artifact* artifact = Add(&request, "http://127.0.0.1/a");
  (*artifact->mutable_options())["credentials"] = "tls-only";
  const absl::Status refused = cluster().Run(request).status();
  EXPECT_EQ(GetReason(refused), "ARTIFACT_SOURCE_NOT_ALLOWED");
  EXPECT_THAT(refused.message(), HasSubstr("plain http"));
}

TEST_F(NodeSecretsTest, AFileOfTheNodeComesWhereItsPolicyListsIt) {
  v1::StartTaskRequest request = Shell("cat /local/f");
  Add(&request, www().path() + "/shared/f");
  EXPECT_EQ(OutputOf(request), "of the node\n");
  for (const char* path : {"/private/f", "/shared/../private/f", "/aws"}) {
    v1::StartTaskRequest refused = Shell("true");
    Add(&refused, www().path() + path);
    EXPECT_FALSE(cluster().Run(refused).ok()) << path;
  }
}

TEST_F(NodeSecretsTest, ADirectoryOfTheNodeComesAsAnArchiveOfItWould) {
  www().Write("shared/app/bin/run", kTool, 04755);
  www().Link("shared/app/again", "bin/run");
  v1::StartTaskRequest request = Shell("/opt/app/again x; stat -c '%u %a' /opt/app/bin/run");
  Add(&request, www().path() + "/shared/app")->set_destination("/opt/app");
  EXPECT_EQ(OutputOf(request), "tool x\n0 755\n");
  v1::StartTaskRequest part = Shell("/local/run x");
  Add(&part, www().path() + "/shared/app//b*");
  EXPECT_EQ(OutputOf(part), "tool x\n");
  www().MakeDirectory("shared/leads-out");
  www().Link("shared/leads-out/passwd", "/etc/passwd");
  for (const char* path : {"/shared/leads-out", "/private", "/shared/../private"}) {
    v1::StartTaskRequest refused = Shell("true");
    Add(&refused, www().path() + path);
    EXPECT_FALSE(cluster().Run(refused).ok()) << path;
  }
}

// A repository by ssh, with a key and the hosts' keys of the node.
class SshSourceTest : public SourcesTest {
 protected:
  void SetUp() override {
    auto ssh = artifact::SshServer::Start(www().path());
    ASSERT_THAT(ssh, IsOk());
    ssh_ = *std::move(ssh);
    www().Write("key", ssh_->client_key(), 0600);
    www().Write("known", ssh_->known_hosts());
    www().Write("known-of-another", ssh_->known_hosts_of_another());
    SourcesTest::SetUp();
  }
  void TearDown() override {
    // Its processes are children of ours.
    ssh_.reset();
    SourcesTest::TearDown();
  }
  std::string Policy() override {
    return absl::StrCat("  attempts = 1\n  schemes = [\"http\", \"https\", \"ssh\"]\n",
                        Credential("git", "known"), Credential("impostor", "known-of-another"));
  }
  std::string Credential(const std::string& name, const std::string& known_hosts) {
    return absl::StrCat("  credentials \"", name, "\" {\n    type = \"ssh\"\n    file = \"",
                        www().path(), "/key\"\n    known_hosts = \"", www().path(), "/",
                        known_hosts, "\"\n    hosts = [\"127.0.0.1\"]\n  }\n");
  }

  std::unique_ptr<artifact::SshServer> ssh_;
};

TEST_F(SshSourceTest, ARepositoryComesBySshFromAHostThatIsKnown) {
  ASSERT_THAT(
      RunProgram({"/bin/sh", "-ec",
                  absl::StrCat("cd ", www().path(),
                               "; git init -q -b main app; cd app; echo one >file; git add .; "
                               "git -c user.name=a -c user.email=a@b commit -qm one")},
                 {"PATH=/usr/bin:/bin", "HOME=/nonexistent"}),
      IsOk());
  v1::StartTaskRequest request = Shell("cat /local/file; ls -A /local");
  v1::Artifact* artifact =
      Add(&request, absl::StrCat("git::ssh://root@127.0.0.1:", ssh_->port(), www().path(), "/app"));
  (*artifact->mutable_options())["credentials"] = "git";
  EXPECT_EQ(OutputOf(request), "one\nfile\n");
  (*artifact->mutable_options())["credentials"] = "impostor";
  request.set_request_id(RandomId());
  EXPECT_EQ(GetReason(cluster().Run(request).status()), "ARTIFACT_FAILED");
}

// The page: as written it is refused for its digest, and with a digest it runs.
TEST_F(NodeSecretsTest, ThePagesSecondExampleRunsWithADigest) {
  www().Write("name-of-my-binary", "#!/bin/sh\necho it runs\n");
  const auto nginx =
      artifact::Nginx::Start(www().path(), "listen 127.0.0.1:443 ssl http2;", &*certificates_);
  ASSERT_THAT(nginx, IsOk());
  // It serves the one port when it serves the other.
  ASSERT_THAT(RunProgram({"/usr/bin/curl", "-sfo", "/dev/null", (*nginx)->Url("/tool")}), IsOk());
  std::string text = artifact::FileContents("examples/page-second.hcl");
  const auto as_written = WriteTestFile("written.hcl", text);
  ASSERT_THAT(as_written, IsOk());
  const Said refused = Cloister({"run", *as_written});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("checksum"));
  const std::string placeholder = "sha256:abd123445ds4555555555";
  ASSERT_THAT(text, HasSubstr(placeholder));
  text.replace(text.find(placeholder), placeholder.size(), Sum("#!/bin/sh\necho it runs\n"));
  const auto replaced = WriteTestFile("replaced.hcl", text);
  ASSERT_THAT(replaced, IsOk());
  const Said said = Cloister({"run", *replaced});
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(said.out, "it runs\n");
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  if (!cloister::EnterTestNetwork("127.0.0.1 internal.file.server\n")) {
    std::perror("a network of the test's own");
    return 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
