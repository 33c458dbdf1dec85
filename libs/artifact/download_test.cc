#include "libs/artifact/download.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <memory>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/artifact/direct_connector.h"
#include "libs/artifact/egress_policy.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/testing/collecting_sink.h"
#include "libs/artifact/testing/nginx.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr absl::string_view kLocations = R"(
  location = /to-relative { return 302 /hello; }
  location = /to-file { return 302 file:///etc/passwd; }
  location = /to-ftp { return 302 ftp://127.0.0.1/x; }
  location = /to-git { return 302 git::https://127.0.0.1/x; }
  location = /to-metadata { return 302 http://169.254.169.254/latest/meta-data/; }
  location = /to-private { return 307 http://10.0.0.1/x; }
  location = /to-userinfo { return 302 http://root:pw@127.0.0.1/; }
  location = /to-plain { return 302 http://127.0.0.1:$arg_port/hello; }
  location = /loop { return 302 /loop?$request_id; }
  location = /later { add_header Retry-After 17 always; return 503; }
  location = /packed { add_header Content-Encoding gzip; alias ROOT/packed.gz; }
)";

// The test's files and servers: made once, read by all.
class DownloadTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    root_ = absl::StrCat(::testing::TempDir(), "/www");
    ASSERT_THAT(RunProgram({"/bin/mkdir", "-p", root_}), IsOk());
    WriteFile(root_ + "/hello", "hello, world\n");
    WriteFile(root_ + "/empty", "");
    big_ = std::string(3 << 20, 'x');
    for (size_t i = 0; i < big_.size(); ++i) big_[i] = static_cast<char>(i * 2654435761u >> 13);
    WriteFile(root_ + "/big", big_);
    WriteFile(root_ + "/packed.gz", "\x1f\x8b\x08 not unpacked by us");
    absl::StatusOr<TestCertificates> certificates =
        MakeTestCertificates(root_, "DNS:files.test,IP:127.0.0.1");
    ASSERT_THAT(certificates, IsOk());
    certificates_ = new TestCertificates(*std::move(certificates));
    std::string locations(kLocations);
    locations.replace(locations.find("ROOT"), 4, root_);
    for (const int code : {400, 401, 403, 404, 408, 410, 429, 500, 501, 502, 503, 504}) {
      absl::StrAppend(&locations, "location = /status/", code, " { return ", code, "; }\n");
    }
    absl::StatusOr<std::unique_ptr<Nginx>> nginx = Nginx::Start(root_, locations, certificates_);
    ASSERT_THAT(nginx, IsOk());
    nginx_ = nginx->release();
  }
  static void TearDownTestSuite() {
    delete nginx_;
    delete certificates_;
  }

  DownloadTest() : connector_(Policy(), absl::Seconds(20), Resolve) {
    options_.ca_pem = certificates_->ca_pem;
  }

  static EgressPolicy Policy() {
    EgressPolicy policy;
    policy.allowed_networks = {*ParseCidr("127.0.0.0/8")};
    return policy;
  }

  // Names of this test; whatever else, as an attacker's name server would have it.
  static absl::StatusOr<std::vector<IpAddress>> Resolve(const std::string& host) {
    if (host == "files.test" || host == "other.test") return {{*ParseIpAddress("127.0.0.1")}};
    return {{*ParseIpAddress("169.254.169.254")}};
  }

  absl::StatusOr<DownloadReport> Get(const std::string& url) {
    request_.url = url;
    sink_ = CollectingSink();
    sink_.body.assign(static_cast<size_t>(request_.offset), '?');
    return Download(request_, options_, limits_, connector_, sink_);
  }

  static std::string root_;
  static std::string big_;
  static TestCertificates* certificates_;
  static Nginx* nginx_;

  DirectConnector connector_;
  HttpRequest request_;
  HttpOptions options_;
  HttpLimits limits_;
  CollectingSink sink_;
};

std::string DownloadTest::root_;
std::string DownloadTest::big_;
TestCertificates* DownloadTest::certificates_ = nullptr;
Nginx* DownloadTest::nginx_ = nullptr;

TEST_F(DownloadTest, GetsTheBytesAndWhatTheServerSaysOfThem) {
  const absl::StatusOr<DownloadReport> report = Get(nginx_->Url("/big"));
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(sink_.body == big_);
  EXPECT_EQ(sink_.total, static_cast<int64_t>(big_.size()));
  EXPECT_EQ(report->bytes, static_cast<int64_t>(big_.size()));
  EXPECT_THAT(report->validators.etag, StartsWith("\""));
  EXPECT_THAT(report->validators.last_modified, HasSubstr("GMT"));
  EXPECT_EQ(report->content_type, "application/octet-stream");
  EXPECT_EQ(report->http_version, 11);
}

TEST_F(DownloadTest, AnEmptyFileBeginsAndEnds) {
  ASSERT_THAT(Get(nginx_->Url("/empty")), IsOk());
  EXPECT_THAT(sink_.begins, ElementsAre(0));
  EXPECT_EQ(sink_.total, 0);
}

TEST_F(DownloadTest, SpeaksHttp2OverTls) {
  const absl::StatusOr<DownloadReport> report = Get(nginx_->TlsUrl("files.test", "/big"));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->http_version, 20);
  EXPECT_TRUE(sink_.body == big_);
}

TEST_F(DownloadTest, TrustsTheGivenAuthorityAndTheNamesOfTheCertificateOnly) {
  EXPECT_THAT(Get(nginx_->TlsUrl("127.0.0.1", "/hello")), IsOk());
  const absl::Status wrong_name = Get(nginx_->TlsUrl("other.test", "/hello")).status();
  EXPECT_THAT(wrong_name, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("other.test")));
  EXPECT_FALSE(IsRetryable(wrong_name));
  options_.ca_pem.clear();
  EXPECT_THAT(Get(nginx_->TlsUrl("files.test", "/hello")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("certificate")));
  setenv("SSL_CERT_FILE", (root_ + "/ca.pem").c_str(), 1);
  EXPECT_FALSE(Get(nginx_->TlsUrl("files.test", "/hello")).ok());
  unsetenv("SSL_CERT_FILE");
  options_.insecure = true;
  EXPECT_THAT(Get(nginx_->TlsUrl("other.test", "/hello")), IsOk());
}

TEST_F(DownloadTest, FollowsRedirectsWithinHttp) {
  const absl::StatusOr<DownloadReport> report = Get(nginx_->Url("/to-relative"));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(sink_.body, "hello, world\n");
  EXPECT_EQ(report->redirects, 1);
  EXPECT_EQ(report->url, nginx_->Url("/hello"));
}

TEST_F(DownloadTest, ChecksEachHopOfARedirect) {
  for (const char* path : {"/to-file", "/to-ftp", "/to-metadata", "/to-private"}) {
    const absl::Status status = Get(nginx_->Url(path)).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied)) << path;
    EXPECT_FALSE(IsRetryable(status)) << path;
    EXPECT_THAT(sink_.begins, IsEmpty()) << path;
  }
  EXPECT_THAT(Get(nginx_->Url("/to-file")).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("'file'")));
  EXPECT_FALSE(Get(nginx_->Url("/to-git")).ok());
  EXPECT_THAT(Get(nginx_->Url("/to-userinfo")).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("root:pw"))));
}

TEST_F(DownloadTest, LeavesTlsForNothingPlain) {
  const std::string url =
      nginx_->TlsUrl("files.test", absl::StrCat("/to-plain?port=", nginx_->port()));
  EXPECT_THAT(Get(url).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("from https to http")));
}

TEST_F(DownloadTest, EndsEndlessRedirectsByALimitWithAName) {
  EXPECT_THAT(Get(nginx_->Url("/loop")).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit redirects")));
}

TEST_F(DownloadTest, ANameThatLeadsToMetadataIsRefusedByItsAddress) {
  EXPECT_THAT(Get("http://rebind.test/x?secret=s3cr3t").status(),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("169.254.169.254"), Not(HasSubstr("s3cr3t")))));
}

TEST_F(DownloadTest, SendsSecretsToTheirOwnOriginOnly) {
  ScriptedServer other("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ScriptedServer first(absl::StrCat("HTTP/1.1 302 Found\r\nLocation: ", other.Url("/b?x=1"),
                                    "\r\nContent-Length: 0\r\n\r\n"));
  request_.headers = {{"X-Token", "t0ken"}, {"Accept", "text/plain"}, {"Cookie", "c00kie"}};
  request_.credential.kind = Credential::Kind::kBasic;
  request_.credential.user = "alice";
  request_.credential.secret = "pass:word";
  ASSERT_THAT(Get(first.Url("/a")), IsOk());
  ASSERT_THAT(first.requests(), SizeIs(1));
  EXPECT_THAT(first.requests()[0], AllOf(HasSubstr("Authorization: Basic YWxpY2U6cGFzczp3b3Jk"),
                                         HasSubstr("X-Token: t0ken"), HasSubstr("Cookie: c00kie"),
                                         HasSubstr("Accept: text/plain")));
  ASSERT_THAT(other.requests(), SizeIs(1));
  EXPECT_THAT(other.requests()[0],
              AllOf(HasSubstr("GET /b?x=1 HTTP/1.1"), HasSubstr("Accept: text/plain"),
                    Not(HasSubstr("Authorization")), Not(HasSubstr("t0ken")),
                    Not(HasSubstr("c00kie")), Not(HasSubstr("Referer"))));
  for (const auto kind : {Credential::Kind::kBearer, Credential::Kind::kHeader}) {
    request_.credential.kind = kind;
    request_.credential.user = "X-Api-Key";
    ASSERT_THAT(Get(first.Url("/a")), IsOk());
    EXPECT_THAT(first.requests().back(), HasSubstr("pass:word"));
    EXPECT_THAT(other.requests().back(), Not(HasSubstr("pass:word")));
  }
}

TEST_F(DownloadTest, KeepsSecretsOnARedirectWithinTheOrigin) {
  ScriptedServer server([](int fd, const std::string& request) {
    SendAll(fd, absl::StartsWith(request, "GET /a ")
                    ? "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
                    : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  request_.credential.kind = Credential::Kind::kBearer;
  request_.credential.secret = "t0ken";
  ASSERT_THAT(Get(server.Url("/a")), IsOk());
  EXPECT_THAT(server.requests().back(), HasSubstr("Authorization: Bearer t0ken"));
}

TEST_F(DownloadTest, ResumesWhereItWasIfTheVersionIsTheSame) {
  const absl::StatusOr<DownloadReport> whole = Get(nginx_->Url("/big"));
  ASSERT_THAT(whole, IsOk());
  request_.offset = 1000000;
  request_.resume = whole->validators;
  const absl::StatusOr<DownloadReport> rest = Get(nginx_->Url("/big"));
  ASSERT_THAT(rest, IsOk());
  EXPECT_THAT(sink_.begins, ElementsAre(1000000));
  EXPECT_TRUE(sink_.body.substr(1000000) == big_.substr(1000000));
  EXPECT_EQ(rest->bytes, static_cast<int64_t>(big_.size()) - 1000000);
  EXPECT_EQ(sink_.total, static_cast<int64_t>(big_.size()));
}

TEST_F(DownloadTest, BeginsAnewWhenTheVersionIsAnother) {
  request_.offset = 1000000;
  request_.resume.etag = "\"of-another-day\"";
  ASSERT_THAT(Get(nginx_->Url("/big")), IsOk());
  EXPECT_THAT(sink_.begins, ElementsAre(0));
  EXPECT_TRUE(sink_.body == big_);
}

TEST_F(DownloadTest, BeginsAnewWhenNothingStrongNamesTheVersion) {
  request_.offset = 1000000;
  request_.resume.etag = "W/\"weak\"";
  ASSERT_THAT(Get(nginx_->Url("/big")), IsOk());
  EXPECT_TRUE(sink_.body == big_);
}

TEST_F(DownloadTest, BeginsAnewWhenTheRangeIsNotThere) {
  ASSERT_THAT(Get(nginx_->Url("/hello")), IsOk());
  request_.resume = sink_.validators;
  request_.offset = 5000;
  ASSERT_THAT(Get(nginx_->Url("/hello")), IsOk());
  EXPECT_EQ(sink_.body, "hello, world\n");
}

TEST_F(DownloadTest, BeginsAnewWhenTheServerSendsAnotherRange) {
  ScriptedServer server([](int fd, const std::string& request) {
    SendAll(fd, absl::StrContains(request, "Range:")
                    ? "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-3/4\r\n"
                      "Content-Length: 4\r\n\r\nevil"
                    : "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
  });
  request_.offset = 2;
  request_.resume.etag = "\"1\"";
  ASSERT_THAT(Get(server.Url("/x")), IsOk());
  EXPECT_EQ(sink_.body, "good");
}

TEST_F(DownloadTest, RefusesAPartThatNobodyAskedFor) {
  ScriptedServer server(
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-3/9\r\nContent-Length: 4\r\n\r\nhalf");
  EXPECT_THAT(Get(server.Url("/x")).status(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(DownloadTest, SaysThatNothingChanged) {
  ASSERT_THAT(Get(nginx_->Url("/hello")), IsOk());
  request_.if_changed = sink_.validators;
  absl::StatusOr<DownloadReport> report = Get(nginx_->Url("/hello"));
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->not_modified);
  EXPECT_THAT(sink_.begins, IsEmpty());
  request_.if_changed.etag = "\"old\"";
  report = Get(nginx_->Url("/hello"));
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->not_modified);
  EXPECT_EQ(sink_.body, "hello, world\n");
}

TEST_F(DownloadTest, LeavesCompressedWhatIsCompressed) {
  ASSERT_THAT(Get(nginx_->Url("/packed")), IsOk());
  EXPECT_EQ(sink_.body, "\x1f\x8b\x08 not unpacked by us");
}

TEST_F(DownloadTest, ASilentServerMeetsTheReadLimit) {
  ScriptedServer server([](int fd, const std::string&) {
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    AwaitClose(fd);
  });
  limits_.read = absl::Milliseconds(300);
  const absl::Status status = Get(server.Url("/x")).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("limit read")));
  EXPECT_TRUE(IsRetryable(status));
}

TEST_F(DownloadTest, AServerThatNeverAnswersMeetsTheReadLimitToo) {
  ScriptedServer server([](int fd, const std::string&) { AwaitClose(fd); });
  limits_.read = absl::Milliseconds(300);
  EXPECT_THAT(Get(server.Url("/x")).status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("limit read")));
}

TEST_F(DownloadTest, TheWholeTransferHasALimitOfTime) {
  ScriptedServer server([](int fd, const std::string&) { AwaitClose(fd); });
  limits_.total = absl::Milliseconds(300);
  EXPECT_THAT(Get(server.Url("/x")).status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("limit total")));
}

TEST_F(DownloadTest, ATrickleMeetsTheLimitOfSpeed) {
  ScriptedServer server([](int fd, const std::string&) {
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    AwaitClose(fd);
  });
  limits_.read = absl::Milliseconds(500);
  limits_.min_bytes_per_second = 1 << 20;
  EXPECT_FALSE(Get(server.Url("/x")).ok());
}

TEST_F(DownloadTest, ABodyShorterThanAnnouncedIsLossAndWorthAnotherTry) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  const absl::Status status = Get(server.Url("/x")).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_TRUE(IsRetryable(status));
}

TEST_F(DownloadTest, ABodyLongerThanAnnouncedIsCutThere) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef");
  ASSERT_THAT(Get(server.Url("/x")), IsOk());
  EXPECT_EQ(sink_.body, "abc");
}

TEST_F(DownloadTest, ABrokenChunkIsAnErrorThatCanBeTriedAgain) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
  const absl::Status status = Get(server.Url("/x")).status();
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(IsRetryable(status)) << status;
}

TEST_F(DownloadTest, WhatIsTooLargeIsRefusedBeforeAndWhileItComes) {
  limits_.max_bytes = 1000;
  EXPECT_THAT(Get(nginx_->Url("/big")).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit max_bytes")));
  EXPECT_THAT(sink_.begins, IsEmpty());
  ScriptedServer silent(
      absl::StrCat("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", std::string(5000, 'x')));
  const absl::Status status = Get(silent.Url("/x")).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit max_bytes")));
  EXPECT_FALSE(IsRetryable(status));
  EXPECT_LE(sink_.body.size(), 1000u);
  limits_.max_bytes = 13;
  EXPECT_THAT(Get(nginx_->Url("/hello")), IsOk());
}

TEST_F(DownloadTest, EndlessHeadersAreRefused) {
  std::string response = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 5000; ++i)
    absl::StrAppend(&response, "X-", i, ": ", std::string(90, 'h'), "\r\n");
  ScriptedServer server(response + "\r\n");
  EXPECT_FALSE(Get(server.Url("/x")).ok());
}

TEST_F(DownloadTest, StatusesSayWhatTheyAreAndWhetherToTryAgain) {
  const std::vector<std::pair<int, absl::StatusCode>> final = {
      {400, absl::StatusCode::kFailedPrecondition}, {401, absl::StatusCode::kPermissionDenied},
      {403, absl::StatusCode::kPermissionDenied},   {404, absl::StatusCode::kNotFound},
      {410, absl::StatusCode::kNotFound},           {501, absl::StatusCode::kFailedPrecondition}};
  for (const auto& expected : final) {
    const absl::Status status = Get(nginx_->Url(absl::StrCat("/status/", expected.first))).status();
    EXPECT_THAT(status, StatusIs(expected.second, HasSubstr(absl::StrCat(expected.first))));
    EXPECT_FALSE(IsRetryable(status)) << status;
  }
  for (const int code : {408, 429, 500, 502, 503, 504}) {
    const absl::Status status = Get(nginx_->Url(absl::StrCat("/status/", code))).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_TRUE(IsRetryable(status)) << status;
  }
  EXPECT_EQ(RetryAfter(Get(nginx_->Url("/later")).status()), absl::Seconds(17));
  EXPECT_THAT(sink_.begins, IsEmpty());
}

TEST_F(DownloadTest, NothingComesFromTheEnvironment) {
  const std::string home = ::testing::TempDir();
  WriteFile(home + "/.netrc", "machine 127.0.0.1 login alice password n3trc\n");
  setenv("HOME", home.c_str(), 1);
  setenv("NETRC", (home + "/.netrc").c_str(), 1);
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"}) {
    setenv(name, "http://127.0.0.1:1", 1);
  }
  ScriptedServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(Get(server.Url("/x")), IsOk());
  ASSERT_THAT(server.requests(), SizeIs(1));
  EXPECT_THAT(server.requests()[0],
              AllOf(StartsWith("GET /x HTTP/1.1\r\n"), Not(HasSubstr("Authorization")),
                    Not(HasSubstr("Accept-Encoding"))));
  EXPECT_THAT(Get(nginx_->TlsUrl("files.test", "/hello")), IsOk());
}

TEST_F(DownloadTest, GoesThroughTheProxyOfTheNodeAlone) {
  ScriptedServer proxy("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
  options_.proxy = absl::StrCat("http://localhost:", proxy.port());
  request_.url = "http://files.example/x";
  EXPECT_THAT(Download(request_, options_, limits_, connector_, sink_).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("proxy")));
  EgressPolicy policy;
  policy.proxy_host = "localhost";
  policy.proxy_port = proxy.port();
  DirectConnector through(policy);
  ASSERT_THAT(Download(request_, options_, limits_, through, sink_), IsOk());
  EXPECT_EQ(sink_.body, "yes");
  EXPECT_THAT(proxy.requests().back(), StartsWith("GET http://files.example/x HTTP/1.1"));
  for (const char* inner :
       {"http://169.254.169.254/latest", "http://10.0.0.1/", "http://127.0.0.1/"}) {
    request_.url = inner;
    EXPECT_THAT(Download(request_, options_, limits_, through, sink_).status(),
                StatusIs(absl::StatusCode::kPermissionDenied))
        << inner;
  }
  EXPECT_EQ(proxy.requests().size(), 1u);
  request_.url = "https://files.example/x";
  EXPECT_FALSE(Download(request_, options_, limits_, through, sink_).ok());
  EXPECT_THAT(proxy.requests().back(), StartsWith("CONNECT files.example:443 HTTP/1.1"));
}

// What is asked of the Connector is what the URL says, whatever the form.
TEST_F(DownloadTest, AsksTheConnectorForTheHostOfTheUrl) {
  struct Recording : Connector {
    explicit Recording(Connector& real) : real(real) {}
    absl::StatusOr<OwnedFd> Connect(absl::string_view scheme, absl::string_view host,
                                    uint16_t port) override {
      asked.push_back(absl::StrCat(scheme, " ", host, " ", port));
      return real.Connect("http", "127.0.0.1", nginx_->port());
    }
    Connector& real;
    std::vector<std::string> asked;
  } recording(connector_);
  for (const char* url : {"http://[2001:db8::7]:8080/hello", "http://[::1]/hello",
                          "http://FILES.example./hello", "http://192.0.2.9:81/hello"}) {
    request_.url = url;
    sink_ = CollectingSink();
    EXPECT_THAT(Download(request_, options_, limits_, recording, sink_), IsOk()) << url;
    EXPECT_EQ(sink_.body, "hello, world\n");
  }
  EXPECT_THAT(recording.asked, ElementsAre("http 2001:db8::7 8080", "http ::1 80",
                                           "http files.example. 80", "http 192.0.2.9 81"));
}

TEST_F(DownloadTest, GetsOverIpv6) {
  OwnedFd listener(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  socklen_t size = sizeof(address);
  if (!listener.valid() || bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) {
    GTEST_SKIP() << "no IPv6 here";
  }
  ASSERT_EQ(listen(listener.get(), 4), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::thread server([&] {
    const OwnedFd peer(accept(listener.get(), nullptr, nullptr));
    SendAll(peer.get(), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nsix");
    AwaitClose(peer.get());
  });
  EgressPolicy policy;
  policy.allowed_networks = {*ParseCidr("::1")};
  DirectConnector connector(policy);
  request_.url = absl::StrCat("http://[::1]:", ntohs(address.sin6_port), "/x");
  EXPECT_THAT(Download(request_, options_, limits_, connector, sink_), IsOk());
  EXPECT_EQ(sink_.body, "six");
  shutdown(listener.get(), SHUT_RDWR);
  server.join();
}

TEST_F(DownloadTest, RefusesHeadersThatWouldChangeTheMessage) {
  for (const auto& header :
       std::vector<std::pair<std::string, std::string>>{{"X-A", "b\r\nHost: evil"},
                                                        {"X-A", std::string("a\0b", 3)},
                                                        {"X A", "b"},
                                                        {"", "b"},
                                                        {"Host", "evil"},
                                                        {"content-length", "5"},
                                                        {"Transfer-Encoding", "chunked"},
                                                        {"Range", "bytes=0-1"}}) {
    request_.headers = {header};
    EXPECT_THAT(Get(nginx_->Url("/hello")).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("headers")))
        << header.first;
  }
  request_.headers.clear();
  EXPECT_THAT(Get("http://u:p@127.0.0.1/x").status(), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Get("file:///etc/passwd").status(), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get("http://127.0.0.1:99999/").status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(DownloadTest, KeepsNoValidatorThatIsMoreThanText) {
  ScriptedServer server(
      "HTTP/1.1 200 OK\r\nETag: \"a\rX-Evil: 1\"\r\nLast-Modified: \x1b[2J\r\n"
      "Content-Length: 0\r\n\r\n");
  const absl::StatusOr<DownloadReport> report = Get(server.Url("/x"));
  if (report.ok()) {
    EXPECT_TRUE(report->validators.empty());
  }
  request_.if_changed.etag = "\"a\"\r\nX-Evil: 1";
  EXPECT_THAT(Get(server.Url("/x")).status(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(DownloadTest, WhatTheSinkSaysIsTheError) {
  request_.url = nginx_->Url("/big");
  sink_.write_status = absl::ResourceExhaustedError("disk full");
  EXPECT_THAT(Download(request_, options_, limits_, connector_, sink_).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, "disk full"));
}

TEST_F(DownloadTest, PostsABodyAndNeverToWhereItWasNotSent) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  request_.post = true;
  request_.body = "0032want";
  ASSERT_THAT(Get(server.Url("/git-upload-pack")), IsOk());
  EXPECT_THAT(server.requests()[0],
              AllOf(StartsWith("POST /git-upload-pack"), HasSubstr("\r\n\r\n0032want")));
  EXPECT_THAT(Get(nginx_->Url("/to-relative")).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("POST")));
}

}  // namespace
}  // namespace cloister::artifact
