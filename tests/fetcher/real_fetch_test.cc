// The fetcher as it is shipped, from servers that are real programs.
#include <sys/stat.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/testing/git_servers.h"
#include "libs/artifact/testing/hg_server.h"
#include "libs/artifact/testing/nginx.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/status_matchers.h"
#include "tests/fetcher/fetcher_fixture.h"
#include "tests/fetcher/loopback_servers.h"

namespace cloister {
namespace {

using artifact::FetchReport;
using artifact::Nginx;
using artifact::RunProgram;
using artifact::WriteFile;
using testing::HasSubstr;

class RealFetchTest : public FetcherFixture {
 protected:
  void SetUp() override {
    FetcherFixture::SetUp();
    options().egress.allowed_networks = {*artifact::ParseCidr("127.0.0.0/8")};
    www_ = directory() + "/www";
    ASSERT_EQ(mkdir(www_.c_str(), 0755), 0);
  }
  std::string Program() const override { return "services/fetcher/cloister-fetcher"; }

  RunningFetch Get(const std::string& source,
                   const std::map<std::string, std::string>& settings = {}) {
    artifact::FetchJob job;
    const auto parsed = artifact::ParseArtifactSource(source, settings);
    EXPECT_THAT(parsed, IsOk());
    if (parsed.ok()) job.request.source = *parsed;
    job.request.http.ca_pem = ca_pem_;
    return Begin(std::move(job));
  }

  std::string www_;
  std::string ca_pem_;
};

TEST_F(RealFetchTest, AFileComesVerified) {
  WriteFile(www_ + "/hello", "hello, world\n");
  const auto nginx = Nginx::Start(www_, "", nullptr);
  ASSERT_THAT(nginx, IsOk());
  const std::string digest = "853ff93762a06ddbf722c4ebe9ddd66d8f63ddaea97f521c3ecc20da7c976020";
  const RunningFetch fetch = Get((*nginx)->Url("/hello"), {{"checksum", "sha256:" + digest}});
  const absl::StatusOr<FetchReport> report = fetch.watch->Await();
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->sha256, digest);
  EXPECT_EQ(TextOf(fetch.directory + "/content/hello"), "hello, world\n");
  const RunningFetch wrong =
      Get((*nginx)->Url("/hello"), {{"checksum", "sha256:" + std::string(64, '0')}});
  EXPECT_THAT(wrong.watch->Await(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(digest)));
}

TEST_F(RealFetchTest, AnArchiveComesAsATree) {
  const std::string tree = directory() + "/pack";
  ASSERT_THAT(RunProgram({"/bin/mkdir", "-p", tree + "/app/conf"}), IsOk());
  WriteFile(tree + "/app/run", "#!/bin/sh\n");
  WriteFile(tree + "/app/conf/a", "a=1\n");
  ASSERT_THAT(RunProgram({"/bin/chmod", "4755", tree + "/app/run"}), IsOk());
  const auto nginx = Nginx::Start(www_, "", nullptr);
  ASSERT_THAT(nginx, IsOk());
  std::vector<RunningFetch> fetches;
  for (const char* format : {"gz", "bz2", "xz", "zst"}) {
    const std::string name = absl::StrCat("/app.tar.", format);
    ASSERT_THAT(
        RunProgram({"/bin/tar", "-C", tree, "-caf", www_ + name, "app"}, {"PATH=/usr/bin:/bin"}),
        IsOk());
    fetches.push_back(Get((*nginx)->Url(name)));
  }
  for (const RunningFetch& fetch : fetches) {
    const absl::StatusOr<FetchReport> report = fetch.watch->Await();
    ASSERT_THAT(report, IsOk());
    EXPECT_TRUE(report->is_tree);
    EXPECT_EQ(TextOf(fetch.directory + "/content/app/conf/a"), "a=1\n");
    struct stat status;
    ASSERT_EQ(stat((fetch.directory + "/content/app/run").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0755U);
  }
}

TEST_F(RealFetchTest, ServersAreVerifiedByTheNodesCertificates) {
  const auto certificates = artifact::MakeTestCertificates(directory(), "IP:127.0.0.1");
  ASSERT_THAT(certificates, IsOk());
  WriteFile(www_ + "/hello", "hello\n");
  const auto nginx = Nginx::Start(www_, "", &*certificates);
  ASSERT_THAT(nginx, IsOk());
  const std::string url = (*nginx)->TlsUrl("127.0.0.1", "/hello");
  EXPECT_THAT(Get(url).watch->Await(), StatusIs(absl::StatusCode::kFailedPrecondition));
  ca_pem_ = certificates->ca_pem;
  const RunningFetch fetch = Get(url);
  EXPECT_THAT(fetch.watch->Await(), IsOk());
  EXPECT_EQ(TextOf(fetch.directory + "/content/hello"), "hello\n");
}

TEST_F(RealFetchTest, ARepositoryComesAsATree) {
  const std::string work = directory() + "/repositories";
  ASSERT_THAT(RunProgram({"/bin/sh", "-ec",
                          absl::StrCat("mkdir ", work, "; cd ", work,
                                       "; git init -q -b main app; cd app; echo one >file; "
                                       "git add .; git -c user.name=a -c user.email=a@b commit "
                                       "-qm one; cd ..; git clone -q --bare app app.git")},
                         {"PATH=/usr/bin:/bin", "HOME=/nonexistent"}),
              IsOk());
  const auto server = artifact::GitHttpServer::Start(directory(), work);
  ASSERT_THAT(server, IsOk());
  const RunningFetch fetch = Get(absl::StrCat("git::", (*server)->Url("/app.git")));
  const absl::StatusOr<FetchReport> report = fetch.watch->Await();
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->commit.size(), 40U);
  EXPECT_EQ(TextOf(fetch.directory + "/content/file"), "one\n");
}

TEST_F(RealFetchTest, ARepositoryOfMercurialComesAsATreeWhereItIsAllowed) {
  const std::string work = directory() + "/hg";
  ASSERT_EQ(mkdir(work.c_str(), 0755), 0);
  ASSERT_THAT(artifact::MakeHgRepositories(
                  work,
                  "hg init app; cd app; mkdir bin; echo one >bin/file; ln -s file bin/link; "
                  "chmod 755 bin/file; hg commit -qAm one"),
              IsOk());
  const auto server = artifact::HgServer::Start(work);
  ASSERT_THAT(server, IsOk());
  const std::string source = absl::StrCat("hg::", (*server)->Url("/app//bin"));
  EXPECT_THAT(Get(source).watch->Await(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("allow_hg")));
  StopClient();
  options().allow_hg = true;
  const RunningFetch fetch = Get(source);
  const absl::StatusOr<FetchReport> report = fetch.watch->Await();
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->commit.size(), 40U);
  EXPECT_EQ(TextOf(fetch.directory + "/content/file"), "one\n");
  EXPECT_EQ(TextOf(fetch.directory + "/content/link"), "one\n");
  EXPECT_FALSE(Get(absl::StrCat("hg::", (*server)->Url("/none"))).watch->Await().ok());
  EXPECT_TRUE(Children().empty());
}

TEST_F(RealFetchTest, ARedirectToMetadataOrAFileIsRefused) {
  for (const char* target : {"http://169.254.169.254/latest/meta-data/", "file:///etc/passwd",
                             "http://[::1]:1/", "http://10.0.0.1/"}) {
    LineServer server(absl::StrCat("HTTP/1.1 302 Found\r\nLocation: ", target,
                                   "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
                      true);
    const absl::Status status =
        Get(absl::StrCat("http://127.0.0.1:", server.port(), "/a")).watch->Await().status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied)) << target;
    EXPECT_EQ(server.connections(), 1);
  }
}

TEST_F(RealFetchTest, AFetcherThatHasFetchedHasOneThread) {
  WriteFile(www_ + "/hello", "hello\n");
  const auto nginx = Nginx::Start(www_, "", nullptr);
  ASSERT_THAT(nginx, IsOk());
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Get((*nginx)->Url("/hello")).watch->Await(), IsOk());
  EXPECT_EQ(StatusField(client().fetcher_pid(), "Threads"), "1");
  EXPECT_TRUE(Children().empty());
}

}  // namespace
}  // namespace cloister
