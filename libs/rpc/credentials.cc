#include "libs/rpc/credentials.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/string_ref.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/rpc/principal.h"
#include "libs/rpc/tls_files.h"

namespace cloister::rpc {
namespace {

using ::grpc::experimental::CertificateVerifier;
using ::grpc::experimental::ExternalCertificateVerifier;
using ::grpc::experimental::FileWatcherCertificateProvider;
using ::grpc::experimental::TlsCustomVerificationCheckRequest;

absl::Status CheckServer(const std::vector<absl::string_view>& uris,
                         const ExpectedServer& expected) {
  const absl::StatusOr<Principal> server = Principal::FromUriNames(uris);
  if (!server.ok()) return server.status();
  if (!expected.roles.Contains(server->role())) {
    return absl::PermissionDeniedError(
        absl::StrCat("the server is ", server->ToString(), ", which may not serve this"));
  }
  if (!expected.name.empty() && server->name() != expected.name) {
    return absl::PermissionDeniedError(
        absl::StrCat("the server is ", server->ToString(), ", not ", expected.name));
  }
  return absl::OkStatus();
}

// Runs after the handshake, on a certificate that the authority signed.
class ServerVerifier : public ExternalCertificateVerifier {
 public:
  explicit ServerVerifier(ExpectedServer expected) : expected_(std::move(expected)) {}
  ~ServerVerifier() override = default;

  bool Verify(TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    std::vector<absl::string_view> uris;
    for (const grpc::string_ref& uri : request->uri_names()) {
      uris.emplace_back(uri.data(), uri.size());
    }
    const absl::Status status = CheckServer(uris, expected_);
    if (!status.ok()) {
      *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, std::string(status.message()));
    }
    return true;
  }

  void Cancel(TlsCustomVerificationCheckRequest*) override {}

 private:
  const ExpectedServer expected_;
};

std::shared_ptr<FileWatcherCertificateProvider> Watch(const TlsFiles& files,
                                                      absl::Duration interval) {
  const auto seconds = static_cast<unsigned>(std::max<int64_t>(1, absl::ToInt64Seconds(interval)));
  return std::make_shared<FileWatcherCertificateProvider>(files.key, files.certificate,
                                                          files.authority, seconds);
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MutualTlsServerCredentials(
    const TlsFiles& files, absl::Duration reload_interval) {
  grpc::experimental::TlsServerCredentialsOptions options(Watch(files, reload_interval));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> MutualTlsChannelCredentials(
    const TlsFiles& files, ExpectedServer expected, absl::Duration reload_interval) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files, reload_interval));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  // The role and name take the place of the host name, for the connection and for each call.
  options.set_certificate_verifier(
      ExternalCertificateVerifier::Create<ServerVerifier>(std::move(expected)));
  options.set_check_call_host(false);
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace cloister::rpc
