#include "libs/artifact/fetch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/direct_connector.h"
#include "libs/artifact/hasher.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/testing/nginx.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/status_matchers.h"
#include "libs/os/directory.h"

namespace cloister::artifact {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string Sha256Of(absl::string_view bytes) {
  Hasher hasher;
  hasher.Update(bytes);
  return HexOf(hasher.Finish(), DigestAlgorithm::kSha256);
}

EgressPolicy Loopback() {
  EgressPolicy policy;
  policy.allowed_networks = {*ParseCidr("127.0.0.0/8")};
  return policy;
}

struct Recorder : FetchObserver {
  void OnPhase(Phase phase) override { phases.push_back(phase); }
  void OnProgress(int64_t bytes, int64_t) override { progress.push_back(bytes); }
  void OnValidators(const Validators& said) override { validators = said; }

  std::vector<Phase> phases;
  std::vector<int64_t> progress;
  Validators validators;
};

// An output directory of its own.
struct Output {
  Output() {
    path = absl::StrCat(::testing::TempDir(), "/out.XXXXXX");
    EXPECT_NE(mkdtemp(&path[0]), nullptr);
    fd = OwnedFd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  bool Has(const std::string& name) const { return access((path + "/" + name).c_str(), F_OK) == 0; }
  bool IsClean() const { return rmdir(path.c_str()) == 0; }
  std::string Read(const std::string& name) const { return FileContents(path + "/" + name); }

  std::string path;
  OwnedFd fd;
};

class FetchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    root_ = absl::StrCat(::testing::TempDir(), "www");
    const std::string tree = ::testing::TempDir() + "/pack";
    ASSERT_THAT(RunProgram({"/bin/mkdir", "-p", root_, tree + "/app-1.0/conf"}), IsOk());
    WriteFile(root_ + "/hello", "hello, world\n");
    WriteFile(tree + "/app-1.0/run", "#!/bin/sh\n");
    WriteFile(tree + "/app-1.0/conf/a.ini", "a=1\n");
    chmod((tree + "/app-1.0/run").c_str(), 0755);
    ASSERT_THAT(RunProgram({"/bin/tar", "-C", tree, "-czf", root_ + "/app.tar.gz", "app-1.0"}),
                IsOk());
    ASSERT_THAT(
        RunProgram({"/bin/tar", "-C", tree + "/app-1.0", "-czf", root_ + "/one.tgz", "run"}),
        IsOk());
    ASSERT_THAT(RunProgram({"/bin/sh", "-c", "gzip -c " + root_ + "/hello >" + root_ + "/hello.gz"},
                           {"PATH=/usr/bin:/bin"}),
                IsOk());
    const std::string hello = Sha256Of("hello, world\n");
    WriteFile(root_ + "/SHA256SUMS",
              absl::StrCat(std::string(64, '0'), "  other\n", hello, " *hello\n"));
    WriteFile(root_ + "/BSDSUMS", absl::StrCat("SHA256 (hello) = ", hello, "\n"));
    WriteFile(root_ + "/WRONGSUMS", absl::StrCat(std::string(64, '0'), "  hello\n"));
    absl::StatusOr<std::unique_ptr<Nginx>> nginx = Nginx::Start(root_, "", nullptr);
    ASSERT_THAT(nginx, IsOk());
    nginx_ = nginx->release();
  }
  static void TearDownTestSuite() { delete nginx_; }

  FetchTest() : connector_(Loopback(), absl::Seconds(20)) {}

  absl::StatusOr<FetchReport> Get(const std::string& source,
                                  const std::map<std::string, std::string>& options = {}) {
    absl::StatusOr<ArtifactSource> parsed = ParseArtifactSource(source, options);
    if (!parsed.ok()) return parsed.status();
    request_.source = *std::move(parsed);
    return Fetch(request_, output_.fd.get(), connector_, recorder_);
  }

  static std::string root_;
  static Nginx* nginx_;
  DirectConnector connector_;
  FetchRequest request_;
  Recorder recorder_;
  Output output_;
};

std::string FetchTest::root_;
Nginx* FetchTest::nginx_ = nullptr;

TEST_F(FetchTest, MakesAFileOfAFile) {
  const absl::StatusOr<FetchReport> report = Get(nginx_->Url("/hello"));
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->is_tree);
  EXPECT_EQ(report->file_name, "hello");
  EXPECT_EQ(report->sha256, Sha256Of("hello, world\n"));
  EXPECT_EQ(report->bytes, 13);
  EXPECT_EQ(output_.Read("content/hello"), "hello, world\n");
  EXPECT_FALSE(output_.Has("raw"));
  EXPECT_FALSE(recorder_.validators.empty());
  EXPECT_EQ(recorder_.progress.back(), 13);
}

TEST_F(FetchTest, ChecksEveryKindOfDigest) {
  for (const char* checksum :
       {"md5:22c3683b094136c3398391ae71b20f04", "sha1:cd50d19784897085a8d0e3e413f8612b097c03f1",
        "853ff93762a06ddbf722c4ebe9ddd66d8f63ddaea97f521c3ecc20da7c976020"}) {
    Output output;
    std::swap(output, output_);
    EXPECT_THAT(Get(nginx_->Url("/hello"), {{"checksum", checksum}}), IsOk()) << checksum;
  }
}

TEST_F(FetchTest, AWrongDigestLeavesNothingAndSaysBoth) {
  const std::string wrong(64, '0');
  const absl::Status status =
      Get(nginx_->Url("/hello"), {{"checksum", absl::StrCat("sha256:", wrong)}}).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss,
                               AllOf(HasSubstr(wrong), HasSubstr(Sha256Of("hello, world\n")))));
  EXPECT_FALSE(IsRetryable(status));
  EXPECT_TRUE(output_.IsClean());
}

TEST_F(FetchTest, FindsTheDigestInALists) {
  for (const char* list : {"/SHA256SUMS", "/BSDSUMS"}) {
    Output output;
    std::swap(output, output_);
    EXPECT_THAT(Get(nginx_->Url("/hello"), {{"checksum", "file:" + nginx_->Url(list)}}), IsOk())
        << list;
  }
  Output output;
  std::swap(output, output_);
  EXPECT_THAT(
      Get(nginx_->Url("/hello"), {{"checksum", "file:" + nginx_->Url("/WRONGSUMS")}}).status(),
      StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Get(nginx_->Url("/hello"), {{"checksum", "file:" + nginx_->Url("/none")}}).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("checksum list")));
  EXPECT_THAT(
      Get(nginx_->Url("/app.tar.gz"), {{"checksum", "file:" + nginx_->Url("/BSDSUMS")}}).status(),
      StatusIs(absl::StatusCode::kNotFound));
  EXPECT_TRUE(output_.IsClean());
}

TEST_F(FetchTest, SendsTheSecretsOfTheArtifactToNoOtherListServer) {
  ScriptedServer lists(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n",
                                    Sha256Of("hello, world\n"), "\n"));
  request_.headers = {{"X-Token", "t0ken"}};
  request_.credential.kind = Credential::Kind::kBearer;
  request_.credential.secret = "s3cr3t";
  ASSERT_THAT(Get(nginx_->Url("/hello"), {{"checksum", "file:" + lists.Url("/sums")}}), IsOk());
  EXPECT_THAT(lists.requests()[0], AllOf(Not(HasSubstr("t0ken")), Not(HasSubstr("s3cr3t"))));
}

TEST_F(FetchTest, UnpacksAnArchiveByItsName) {
  const absl::StatusOr<FetchReport> report = Get(nginx_->Url("/app.tar.gz"));
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->is_tree);
  EXPECT_EQ(output_.Read("content/app-1.0/conf/a.ini"), "a=1\n");
  EXPECT_FALSE(output_.Has("raw"));
  EXPECT_FALSE(output_.Has("tree"));
  ASSERT_EQ(recorder_.phases.size(), 2u);
  EXPECT_EQ(recorder_.phases[1], FetchObserver::Phase::kUnpack);
}

TEST_F(FetchTest, LeavesAnArchivePackedWhereAsked) {
  ASSERT_THAT(Get(nginx_->Url("/app.tar.gz"), {{"archive", "false"}}), IsOk());
  EXPECT_EQ(output_.Read("content/app.tar.gz"), FileContents(root_ + "/app.tar.gz"));
}

TEST_F(FetchTest, StripsComponents) {
  ASSERT_THAT(Get(nginx_->Url("/app.tar.gz"), {{"strip_components", "1"}}), IsOk());
  EXPECT_TRUE(output_.Has("content/run"));
}

TEST_F(FetchTest, TakesTheSubdirectoryAlone) {
  const absl::StatusOr<FetchReport> report = Get(nginx_->Url("/app.tar.gz//app-*/conf"));
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->is_tree);
  EXPECT_EQ(output_.Read("content/a.ini"), "a=1\n");
  EXPECT_FALSE(output_.Has("tree"));
  Output output;
  std::swap(output, output_);
  const absl::StatusOr<FetchReport> file = Get(nginx_->Url("/app.tar.gz//app-1.0/run"));
  ASSERT_THAT(file, IsOk());
  EXPECT_FALSE(file->is_tree);
  EXPECT_EQ(file->file_name, "run");
  EXPECT_TRUE(output_.Has("content/run"));
}

TEST_F(FetchTest, ASubdirectoryThatIsNotThereLeavesNothing) {
  EXPECT_THAT(Get(nginx_->Url("/app.tar.gz//none")).status(),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_TRUE(output_.IsClean());
}

TEST_F(FetchTest, DecompressesASingleFile) {
  const absl::StatusOr<FetchReport> report = Get(nginx_->Url("/hello.gz"));
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->is_tree);
  EXPECT_EQ(report->file_name, "hello");
  EXPECT_EQ(output_.Read("content/hello"), "hello, world\n");
}

TEST_F(FetchTest, HoldsWhatComesAgainstTheMode) {
  request_.mode = FetchMode::kDir;
  EXPECT_THAT(Get(nginx_->Url("/hello")).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("mode dir")));
  EXPECT_THAT(Get(nginx_->Url("/hello.gz")).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("mode dir")));
  request_.mode = FetchMode::kFile;
  EXPECT_THAT(Get(nginx_->Url("/app.tar.gz")).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("mode file")));
  const absl::StatusOr<FetchReport> one = Get(nginx_->Url("/one.tgz"));
  ASSERT_THAT(one, IsOk());
  EXPECT_FALSE(one->is_tree);
  EXPECT_EQ(one->file_name, "run");
}

TEST_F(FetchTest, ADamagedArchiveLeavesNothing) {
  EXPECT_FALSE(Get(nginx_->Url("/hello"), {{"archive", "tar.gz"}}).ok());
  EXPECT_TRUE(output_.IsClean());
}

TEST_F(FetchTest, GoesOnAfterABreakWithinOneFetch) {
  std::string body(100000, 'x');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 >> 3);
  ScriptedServer server([&](int fd, const std::string& request) {
    const size_t range = request.find("Range: bytes=");
    const size_t from = range == std::string::npos ? 0 : strtoul(&request[range + 13], nullptr, 10);
    SendAll(fd, absl::StrCat("HTTP/1.1 ", from == 0 ? "200 OK" : "206 Partial",
                             "\r\nETag: \"1\"\r\n", "Content-Range: bytes ", from, "-",
                             body.size() - 1, "/", body.size(), "\r\nContent-Length: ",
                             body.size() - from, "\r\n\r\n", body.substr(from, 40000)));
  });
  const absl::StatusOr<FetchReport> report = Get(server.Url("/x"));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->sha256, Sha256Of(body));
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_THAT(server.requests()[2], AllOf(HasSubstr("bytes=80000-"), HasSubstr("If-Range: \"1\"")));
}

TEST_F(FetchTest, GoesOnInALaterFetchWithWhatTheFirstLeft) {
  const std::string body = "0123456789";
  std::atomic<int> calls{0};
  ScriptedServer server([&](int fd, const std::string& request) {
    if (absl::StrContains(request, "Range: bytes=4-") && ++calls > 1) {
      SendAll(fd,
              "HTTP/1.1 206 Partial\r\nETag: \"1\"\r\nContent-Range: bytes 4-9/10\r\n"
              "Content-Length: 6\r\n\r\n456789");
    } else if (absl::StrContains(request, "Range:")) {
      SendAll(fd, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    } else {
      SendAll(fd, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 10\r\n\r\n0123");
    }
  });
  const absl::Status first = Get(server.Url("/x")).status();
  EXPECT_TRUE(IsRetryable(first)) << first;
  EXPECT_EQ(output_.Read("raw"), "0123");
  EXPECT_EQ(recorder_.validators.etag, "\"1\"");
  request_.resume = recorder_.validators;
  const absl::StatusOr<FetchReport> second = Get(server.Url("/x"));
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->sha256, Sha256Of(body));
  EXPECT_EQ(output_.Read("content/x"), body);
}

TEST_F(FetchTest, SaysThatNothingChangedAndMakesNothing) {
  absl::StatusOr<FetchReport> report = Get(nginx_->Url("/hello"));
  ASSERT_THAT(report, IsOk());
  request_.if_changed = report->validators;
  Output output;
  std::swap(output, output_);
  report = Get(nginx_->Url("/hello"));
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->not_modified);
  EXPECT_TRUE(output_.IsClean());
}

TEST_F(FetchTest, TakesAFileOfTheNodeOnlyOpened) {
  EXPECT_THAT(Get("file://" + root_ + "/hello").status(),
              StatusIs(absl::StatusCode::kPermissionDenied));
  OwnedFd fd(open((root_ + "/app.tar.gz").c_str(), O_RDONLY | O_CLOEXEC));
  request_.file_fd = fd.get();
  ASSERT_THAT(Get("file://" + root_ + "/app.tar.gz"), IsOk());
  EXPECT_TRUE(output_.Has("content/app-1.0/run"));
}

TEST_F(FetchTest, KeepsTheLimitsThatTheArtifactAsksFor) {
  EXPECT_THAT(Get(nginx_->Url("/hello"), {{"max_bytes", "12"}}).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("max_bytes")));
  EXPECT_THAT(Get(nginx_->Url("/hello"), {{"max_bytes", "13"}}), IsOk());
  Output output;
  std::swap(output, output_);
  EXPECT_THAT(Get(nginx_->Url("/app.tar.gz"), {{"max_files", "1"}}).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("files")));
  EXPECT_THAT(Get(nginx_->Url("/hello"), {{"max_bytes", "1000000000000000"}}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
  ScriptedServer silent([](int fd, const std::string&) { AwaitClose(fd); });
  EXPECT_THAT(Get(silent.Url("/x"), {{"timeout", "1s"}}).status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(output_.IsClean());
}

TEST_F(FetchTest, ErrorsHoldNoSecret) {
  request_.headers = {{"X-Token", "t0ken"}};
  request_.credential.kind = Credential::Kind::kBearer;
  request_.credential.secret = "s3cr3t";
  for (const char* path : {"/none?signature=s1gn", "/app.tar.gz?signature=s1gn&archive=zip"}) {
    const absl::Status status = Get(nginx_->Url(path)).status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.ToString(),
                AllOf(Not(HasSubstr("t0ken")), Not(HasSubstr("s3cr3t")), Not(HasSubstr("s1gn"))));
  }
}

// CVE-2022-24686: what one fetch says or gets must not reach another.
TEST_F(FetchTest, TwoHundredAtOnceGetWhatEachAskedFor) {
  const auto body_of = [](absl::string_view id) {
    std::string body;
    for (int i = 0; i < 2000; ++i) absl::StrAppend(&body, id, "/", i, ";");
    return body;
  };
  ScriptedServer server([&](int fd, const std::string& request) {
    const size_t header = request.find("X-Id: ");
    const std::string id = request.substr(header + 6, request.find('\r', header) - header - 6);
    const std::string body =
        absl::StrContains(request, absl::StrCat("GET /", id, " ")) &&
                absl::StrContains(request, absl::StrCat("Authorization: Bearer token-", id, "\r\n"))
            ? body_of(id)
            : "mixed up";
    SendAll(fd, absl::StrCat("HTTP/1.1 200 OK\r\nETag: \"", id,
                             "\"\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  });
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 200; ++i) {
    threads.emplace_back([&, id = absl::StrCat("n", i * 7919)] {
      Output output;
      FetchRequest request;
      request.source = *ParseArtifactSource(server.Url("/" + id),
                                            {{"checksum", "sha256:" + Sha256Of(body_of(id))}});
      request.headers = {{"X-Id", id}};
      request.credential.kind = Credential::Kind::kBearer;
      request.credential.secret = "token-" + id;
      Recorder recorder;
      const absl::StatusOr<FetchReport> report =
          Fetch(request, output.fd.get(), connector_, recorder);
      EXPECT_THAT(report, IsOk());
      if (report.ok() && output.Read("content/" + id) == body_of(id) &&
          report->validators.etag == absl::StrCat("\"", id, "\"")) {
        ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 200);
}

}  // namespace
}  // namespace cloister::artifact
