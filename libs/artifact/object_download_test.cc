// Objects of S3 from a real server that verifies signatures, and of GCS from one that looks at what
// it is asked.
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/direct_connector.h"
#include "libs/artifact/download.h"
#include "libs/artifact/object_request.h"
#include "libs/artifact/testing/collecting_sink.h"
#include "libs/artifact/testing/s3_server.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ObjectDownloadTest : public ::testing::Test {
 protected:
  ObjectDownloadTest()
      : connector_(Policy(), absl::Seconds(20),
                   [](const std::string&) -> absl::StatusOr<std::vector<IpAddress>> {
                     return {{*ParseIpAddress("127.0.0.1")}};
                   }) {}

  static EgressPolicy Policy() {
    EgressPolicy policy;
    policy.allowed_networks = {*ParseCidr("127.0.0.0/8")};
    return policy;
  }

  absl::StatusOr<DownloadReport> Get(const absl::StatusOr<HttpRequest>& request) {
    sink_ = CollectingSink();
    if (!request.ok()) return request.status();
    return Download(*request, {}, {}, connector_, sink_);
  }

  DirectConnector connector_;
  CollectingSink sink_;
};

class S3Test : public ObjectDownloadTest {
 protected:
  static void SetUpTestSuite() {
    absl::StatusOr<std::unique_ptr<S3Server>> server = S3Server::Start(::testing::TempDir());
    ASSERT_THAT(server, IsOk());
    server_ = server->release();
    ASSERT_THAT(server_->Put("/builds", ""), IsOk());
    ASSERT_THAT(server_->Put("/builds?versioning=",
                             "<VersioningConfiguration "
                             "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled"
                             "</Status></VersioningConfiguration>"),
                IsOk());
    ASSERT_THAT(server_->Put("/builds/tool.txt", "the tool"), IsOk());
    ASSERT_THAT(server_->Put("/builds/a%20b/%C3%BC%2B%3D%26~.txt", "odd name"), IsOk());
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  S3Test() {
    object_.endpoint = server_->endpoint();
    object_.region = S3Server::kRegion;
    object_.bucket = "builds";
    object_.key = "tool.txt";
    object_.path_style = true;
    credential_.kind = Credential::Kind::kAws;
    credential_.user = S3Server::kAccessKey;
    credential_.secret = S3Server::kSecretKey;
  }

  static S3Server* server_;
  S3Object object_;
  Credential credential_;
};

S3Server* S3Test::server_ = nullptr;

TEST_F(S3Test, GetsAnObjectInPathStyle) {
  const absl::StatusOr<DownloadReport> report = Get(S3Request(object_, credential_));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(sink_.body, "the tool");
  EXPECT_THAT(report->validators.etag, StartsWith("\""));
}

TEST_F(S3Test, GetsAnObjectInVirtualHostStyle) {
  object_.path_style = false;
  object_.endpoint = absl::StrCat("http://", S3Server::kDomain, ":", server_->port());
  ASSERT_THAT(Get(S3Request(object_, credential_)), IsOk());
  EXPECT_EQ(sink_.body, "the tool");
}

TEST_F(S3Test, SignsNamesThatNeedEscapes) {
  object_.key = "a b/\xc3\xbc+=&~.txt";
  ASSERT_THAT(Get(S3Request(object_, credential_)), IsOk());
  EXPECT_EQ(sink_.body, "odd name");
}

TEST_F(S3Test, GetsTheVersionThatIsNamed) {
  ASSERT_THAT(server_->Put("/builds/v.txt", "first"), IsOk());
  // The id is in the list of versions.
  object_.key = "v.txt";
  ASSERT_THAT(Get(S3Request(object_, credential_)), IsOk());
  EXPECT_EQ(sink_.body, "first");
  const std::string list = ::testing::TempDir() + "/versions.xml";
  ASSERT_THAT(RunProgram({"/usr/bin/curl", "--silent", "--fail", "--aws-sigv4",
                          absl::StrCat("aws:amz:", S3Server::kRegion, ":s3"), "--user",
                          absl::StrCat(S3Server::kAccessKey, ":", S3Server::kSecretKey), "--header",
                          "x-amz-content-sha256: UNSIGNED-PAYLOAD", "--output", list,
                          absl::StrCat(server_->endpoint(), "/builds?versions=")}),
              IsOk());
  const std::string text = FileContents(list);
  const size_t key = text.find("<Key>v.txt</Key>");
  ASSERT_NE(key, std::string::npos) << text;
  const size_t block = text.rfind("<Version>", key);
  const size_t id = text.find("<VersionId>", block) + 11;
  object_.version = text.substr(id, text.find('<', id) - id);
  ASSERT_THAT(server_->Put("/builds/v.txt", "second"), IsOk());
  ASSERT_THAT(Get(S3Request(object_, credential_)), IsOk()) << object_.version;
  EXPECT_EQ(sink_.body, "first");
  object_.version.clear();
  ASSERT_THAT(Get(S3Request(object_, credential_)), IsOk());
  EXPECT_EQ(sink_.body, "second");
}

TEST_F(S3Test, ResumesAndAsksForChangesUnderASignature) {
  absl::StatusOr<HttpRequest> request = S3Request(object_, credential_);
  ASSERT_THAT(Get(request), IsOk());
  const Validators validators = sink_.validators;
  request->offset = 4;
  request->resume = validators;
  const absl::StatusOr<DownloadReport> rest = Get(request);
  ASSERT_THAT(rest, IsOk());
  EXPECT_EQ(sink_.total, 8);
  request->offset = 0;
  request->if_changed = validators;
  const absl::StatusOr<DownloadReport> same = Get(request);
  ASSERT_THAT(same, IsOk());
  EXPECT_TRUE(same->not_modified);
}

TEST_F(S3Test, RefusalsSayTheCodeOfTheServerAndNoSecret) {
  credential_.secret = "not-the-secret";
  EXPECT_THAT(
      Get(S3Request(object_, credential_)).status(),
      StatusIs(absl::StatusCode::kPermissionDenied,
               AllOf(HasSubstr("SignatureDoesNotMatch"), Not(HasSubstr("not-the-secret")))));
  EXPECT_THAT(Get(S3Request(object_, {})).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("AccessDenied")));
  credential_.secret = S3Server::kSecretKey;
  object_.key = "none";
  EXPECT_THAT(Get(S3Request(object_, credential_)).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("NoSuchKey")));
  object_.region = "us-west-2";
  EXPECT_FALSE(Get(S3Request(object_, credential_)).ok());
}

TEST_F(ObjectDownloadTest, ASessionTokenIsSentAndSigned) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  S3Object object;
  object.endpoint = absl::StrCat("http://127.0.0.1:", server.port());
  object.bucket = "b";
  object.key = "k/../x";
  object.path_style = true;
  Credential credential;
  credential.kind = Credential::Kind::kAws;
  credential.user = "AKID";
  credential.secret = "s3cr3t";
  credential.session_token = "t0ken";
  ASSERT_THAT(Get(S3Request(object, credential)), IsOk());
  EXPECT_THAT(server.requests()[0],
              AllOf(StartsWith("GET /b/k/../x HTTP/1.1"), HasSubstr("x-amz-security-token: t0ken"),
                    HasSubstr("Credential=AKID/"), HasSubstr("/us-east-1/s3/aws4_request"),
                    HasSubstr("SignedHeaders=host;x-amz-content-sha256;x-amz-date;"
                              "x-amz-security-token"),
                    Not(HasSubstr("s3cr3t"))));
}

TEST_F(ObjectDownloadTest, ASignatureStaysWithItsOrigin) {
  ScriptedServer other("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ScriptedServer first(absl::StrCat("HTTP/1.1 307 Temporary Redirect\r\nLocation: ",
                                    other.Url("/b/x"), "\r\nContent-Length: 0\r\n\r\n"));
  S3Object object;
  object.endpoint = absl::StrCat("http://127.0.0.1:", first.port());
  object.bucket = "b";
  object.key = "x";
  object.path_style = true;
  Credential credential;
  credential.kind = Credential::Kind::kAws;
  credential.user = "AKID";
  credential.secret = "s3cr3t";
  credential.session_token = "t0ken";
  ASSERT_THAT(Get(S3Request(object, credential)), IsOk());
  EXPECT_THAT(other.requests()[0], AllOf(Not(HasSubstr("Authorization")), Not(HasSubstr("t0ken")),
                                         Not(HasSubstr("AKID"))));
}

TEST_F(ObjectDownloadTest, GetsAGenerationFromGcsWithItsToken) {
  ScriptedServer server([](int fd, const std::string& request) {
    const bool known = absl::StrContains(request, "GET /b/dir/a%20b?generation=17 HTTP/1.1") &&
                       absl::StrContains(request, "Authorization: Bearer ya29.token\r\n");
    SendAll(fd, known ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                      : "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  });
  GcsObject object;
  object.endpoint = absl::StrCat("http://127.0.0.1:", server.port());
  object.bucket = "b";
  object.object = "dir/a b";
  object.generation = 17;
  Credential credential;
  credential.kind = Credential::Kind::kBearer;
  credential.secret = "ya29.token";
  ASSERT_THAT(Get(GcsRequest(object, credential)), IsOk());
  EXPECT_EQ(sink_.body, "ok");
  EXPECT_THAT(Get(GcsRequest(object, {})).status(), StatusIs(absl::StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace cloister::artifact
