// Who gets in over TLS, with a real server and real certificates.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cloister/probe/probe.grpc.pb.h"
#include "libs/base/error_reason.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/address.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/credentials.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/testing/probe_server.h"
#include "libs/rpc/tls_files.h"
#include "tests/testing/test_ca.h"

namespace cloister::rpc {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kReload = absl::Seconds(1);  // The shortest there is.

class MutualTlsTest : public ::testing::Test {
 protected:
  MutualTlsTest() : ca_(*TestCa::Create(directory_.path())) {}

  void Start(const TlsFiles& files, MethodTable methods = ProbeMethodTable(kAllRoles)) {
    ProbeServer::Setup setup;
    setup.methods = std::move(methods);
    setup.options.listen = {*ParseAddress("127.0.0.1:0")};
    setup.options.tls = files;
    setup.options.tls_reload_interval = kReload;
    auto server = ProbeServer::Start(std::move(setup));
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  // A channel with no check of the files that we would make ourselves.
  std::shared_ptr<grpc::Channel> DialUnchecked(const TlsFiles& files) {
    return grpc::CreateChannel(absl::StrCat("ipv4:", server_->address().ToString()),
                               MutualTlsChannelCredentials(files, {kAllRoles, ""}));
  }

  std::shared_ptr<grpc::Channel> Dial(const TlsFiles& files, ExpectedServer expected) {
    ChannelOptions options;
    options.tls = files;
    options.expected = std::move(expected);
    return DialOrDie(server_->address(), options);
  }

  const ShortDirectory directory_;
  const TestCa ca_;
  std::unique_ptr<ProbeServer> server_;
};

TEST_F(MutualTlsTest, EachRoleIsLetInWhereTheTableHasIt) {
  for (Role allowed : {Role::kAdmin, Role::kClient, Role::kFrontend, Role::kNode}) {
    Start(*ca_.Issue("node", "n1"), ProbeMethodTable({allowed}));
    for (const auto& [role, name] :
         std::vector<std::pair<Role, std::string>>{{Role::kAdmin, "admin"},
                                                   {Role::kClient, "client"},
                                                   {Role::kFrontend, "frontend"},
                                                   {Role::kNode, "node"}}) {
      const auto response = Echo(Dial(*ca_.Issue(name, "x"), {{Role::kNode}, "n1"}));
      if (role == allowed) {
        ASSERT_THAT(response, IsOk());
        EXPECT_EQ(response->caller(), absl::StrCat(name, "/x"));
      } else {
        EXPECT_THAT(response, StatusIs(absl::StatusCode::kPermissionDenied));
        EXPECT_EQ(GetReason(response.status()), "ROLE_NOT_ALLOWED");
      }
    }
  }
}

TEST_F(MutualTlsTest, EachKindOfCallIsRefusedAlikeAndNoHandlerRuns) {
  Start(*ca_.Issue("node", "n1"), ProbeMethodTable({Role::kFrontend}));
  const auto stub =
      probe::ProbeService::NewStub(Dial(*ca_.Issue("client", "alice"), {{Role::kNode}, "n1"}));
  std::vector<absl::Status> refusals;
  {
    grpc::ClientContext context;
    probe::EchoResponse response;
    refusals.push_back(FromGrpcStatus(stub->Echo(&context, probe::EchoRequest(), &response)));
  }
  {
    grpc::ClientContext context;
    refusals.push_back(FromGrpcStatus(stub->Count(&context, probe::CountRequest())->Finish()));
  }
  {
    grpc::ClientContext context;
    probe::CollectResponse response;
    const auto writer = stub->Collect(&context, &response);
    writer->Write(probe::CollectRequest());
    refusals.push_back(FromGrpcStatus(writer->Finish()));
  }
  {
    grpc::ClientContext context;
    const auto chat = stub->Chat(&context);
    chat->Write(probe::ChatRequest());
    refusals.push_back(FromGrpcStatus(chat->Finish()));
  }
  for (const absl::Status& refusal : refusals) {
    EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kPermissionDenied,
                                  HasSubstr("client/alice may not call")));
    EXPECT_EQ(GetReason(refusal), "ROLE_NOT_ALLOWED");
    EXPECT_EQ(GetReasonMetadata(refusal).at("principal"), "client/alice");
  }
  EXPECT_EQ(server_->probe().calls(), 0);
}

TEST_F(MutualTlsTest, ACertificateWithoutRoleIsRefusedWithTheReason) {
  Start(*ca_.Issue("node", "n1"));
  const auto response = Echo(DialUnchecked(*ca_.IssueWith("web", {{"https://example.com/alice"}})));
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(GetReason(response.status()), "CERTIFICATE_WITHOUT_ROLE");
}

TEST_F(MutualTlsTest, ACertificateWithTwoRolesIsRefusedWithTheReason) {
  Start(*ca_.Issue("node", "n1"));
  const auto response = Echo(DialUnchecked(
      *ca_.IssueWith("two", {{"cloister://client/alice", "cloister://admin/alice"}})));
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(GetReason(response.status()), "CERTIFICATE_WITH_TWO_ROLES");
}

TEST_F(MutualTlsTest, ARoleThatIsNoneIsRefusedWithTheReason) {
  Start(*ca_.Issue("node", "n1"));
  for (const char* uri : {"cloister://root/alice", "cloister://dev/x", "cloister://client/"}) {
    const auto response = Echo(DialUnchecked(*ca_.IssueWith("odd", {{uri}})));
    EXPECT_THAT(response, StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_EQ(GetReason(response.status()), "CERTIFICATE_ROLE_INVALID");
  }
}

TEST_F(MutualTlsTest, ANulByteInANameDoesNotCutItShort) {
  Start(*ca_.Issue("node", "n1"));
  EXPECT_FALSE(
      Echo(DialUnchecked(*ca_.IssueWith("nul", {{std::string("cloister://admin/a\0.evil", 24)}})))
          .ok());
}

TEST_F(MutualTlsTest, AClientWithoutCertificateIsRefused) {
  Start(*ca_.Issue("node", "n1"));
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(ca_.authority(), 60));
  options.watch_root_certs();
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  EXPECT_THAT(Echo(grpc::CreateChannel(absl::StrCat("ipv4:", server_->address().ToString()),
                                       grpc::experimental::TlsCredentials(options))),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(server_->probe().calls(), 0);
}

TEST_F(MutualTlsTest, ACertificateOfAnotherAuthorityIsRefused) {
  Start(*ca_.Issue("node", "n1"));
  const ShortDirectory elsewhere;
  const TestCa other = *TestCa::Create(elsewhere.path());
  TlsFiles files = *other.Issue("admin", "mallory");
  files.authority = ca_.authority();  // So that the client does not refuse the server first.
  EXPECT_THAT(Echo(DialUnchecked(files)), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(server_->probe().calls(), 0);
}

TEST_F(MutualTlsTest, AnExpiredCertificateIsRefused) {
  Start(*ca_.Issue("node", "n1"));
  TestCa::Contents contents;
  contents.uris = {"cloister://client/alice"};
  contents.valid_from = -absl::Hours(2);
  contents.valid_until = -absl::Hours(1);
  EXPECT_THAT(Echo(DialUnchecked(*ca_.IssueWith("late", contents))),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(server_->probe().calls(), 0);
}

TEST_F(MutualTlsTest, PlaintextIsRefused) {
  Start(*ca_.Issue("node", "n1"));
  EXPECT_THAT(Echo(DialOrDie(server_->address())), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(MutualTlsTest, TheServerMustHaveTheExpectedRoleAndName) {
  Start(*ca_.Issue("node", "n1"));
  const TlsFiles alice = *ca_.Issue("client", "alice");
  EXPECT_THAT(Echo(Dial(alice, {{Role::kNode}, "n1"})), IsOk());
  EXPECT_THAT(Echo(Dial(alice, {{Role::kNode}, ""})), IsOk());
  EXPECT_THAT(Echo(Dial(alice, {{Role::kNode}, "n2"})),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("the server is node/n1, not n2")));
  EXPECT_THAT(Echo(Dial(alice, {{Role::kFrontend}, ""})),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("the server is node/n1, which may not serve this")));
  EXPECT_FALSE(Echo(Dial(alice, {})).ok());
}

TEST_F(MutualTlsTest, AClientsCertificateCannotServe) {
  Start(*ca_.Issue("client", "mallory"));
  EXPECT_THAT(Echo(Dial(*ca_.Issue("client", "alice"), {{Role::kFrontend}, ""})),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("client/mallory")));
}

TEST_F(MutualTlsTest, AServerOfAnotherAuthorityIsRefused) {
  Start(*ca_.Issue("node", "n1"));
  const ShortDirectory elsewhere;
  TlsFiles alice = *TestCa::Create(elsewhere.path())->Issue("client", "alice");
  EXPECT_THAT(Echo(Dial(alice, {{Role::kNode}, "n1"})), StatusIs(absl::StatusCode::kUnavailable));
}

// The handshake of a client of this TLS version only, with a good certificate; the version agreed.
std::string Handshake(const Address& address, const TlsFiles& files, int version) {
  const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in target = {};
  target.sin_family = AF_INET;
  target.sin_port = htons(address.port());
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&target), sizeof(target)), 0);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  // Debian's OpenSSL refuses to speak TLS 1.1 itself, unless told so.
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  SSL_CTX_use_certificate_file(context.get(), files.certificate.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM);
  const unsigned char h2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), h2, sizeof(h2));
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_fd(ssl.get(), fd.get());
  return SSL_connect(ssl.get()) == 1 ? SSL_get_version(ssl.get()) : "refused";
}

TEST_F(MutualTlsTest, OldVersionsOfTlsAreRefused) {
  Start(*ca_.Issue("node", "n1"));
  const TlsFiles alice = *ca_.Issue("client", "alice");
  EXPECT_EQ(Handshake(server_->address(), alice, TLS1_VERSION), "refused");
  EXPECT_EQ(Handshake(server_->address(), alice, TLS1_1_VERSION), "refused");
  EXPECT_EQ(Handshake(server_->address(), alice, TLS1_2_VERSION), "TLSv1.2");
  EXPECT_EQ(Handshake(server_->address(), alice, TLS1_3_VERSION), "TLSv1.3");
}

TEST_F(MutualTlsTest, AForwardedPrincipalIsBelievedOfAFrontendOnly) {
  Start(*ca_.Issue("node", "n1"));
  const auto echo_for = [&](const char* role) -> absl::StatusOr<probe::EchoResponse> {
    const auto stub =
        probe::ProbeService::NewStub(Dial(*ca_.Issue(role, "x"), {{Role::kNode}, ""}));
    grpc::ClientContext context;
    ForwardPrincipal(*Principal::Parse("client/alice"), &context);
    probe::EchoResponse response;
    const absl::Status status =
        FromGrpcStatus(stub->Echo(&context, probe::EchoRequest(), &response));
    if (!status.ok()) return status;
    return response;
  };
  const auto forwarded = echo_for("frontend");
  ASSERT_THAT(forwarded, IsOk());
  EXPECT_EQ(forwarded->caller(), "frontend/x");
  EXPECT_EQ(forwarded->principal(), "client/alice");
  for (const char* role : {"client", "admin", "node"}) {
    const auto refused = echo_for(role);
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_EQ(GetReason(refused.status()), "PRINCIPAL_NOT_BELIEVED");
  }
}

// Certificates are replaced under a live server: it goes on, and serves the new one.
TEST_F(MutualTlsTest, NewFilesServeWithoutARestartAndOpenConnectionsStay) {
  const TlsFiles served = *ca_.Issue("node", "served");
  Start(served);
  const TlsFiles alice = *ca_.Issue("client", "alice");
  const auto old_channel = Dial(alice, {{Role::kNode}, "served"});
  ASSERT_THAT(Echo(old_channel), IsOk());
  TestCa::Contents renewed;
  renewed.uris = {"cloister://node/renewed"};
  ASSERT_THAT(ca_.IssueWith("node-served", renewed), IsOk());  // The same paths.
  while (!Echo(Dial(alice, {{Role::kNode}, "renewed"})).ok()) {
  }
  EXPECT_THAT(Echo(old_channel), IsOk());
  EXPECT_FALSE(Echo(Dial(alice, {{Role::kNode}, "served"})).ok());
}

}  // namespace
}  // namespace cloister::rpc
