#include "tools/cloister/server_flags.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/rpc/address.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/principal.h"
#include "libs/rpc/tls_files.h"
#include "tools/cloister/error_text.h"

namespace cloister {
namespace {

std::string Given(const std::string& flag, const char* variable,
                  const ServerFlags::Lookup& environment) {
  if (!flag.empty()) return flag;
  const char* value = environment(variable);
  return value == nullptr ? "" : value;
}

}  // namespace

void ServerFlags::Declare(FlagSet* flags) {
  flags->Text("address", &address_, "ADDRESS",
              "unix:/path or host:port of the frontend. Default: CLOISTER_ADDR.");
  flags->Text("tls_cert", &tls_cert_, "FILE",
              "Our certificate, for host:port. Default: CLOISTER_TLS_CERT.");
  flags->Text("tls_key", &tls_key_, "FILE", "Its key. Default: CLOISTER_TLS_KEY.");
  flags->Text("tls_ca", &tls_ca_, "FILE", "The cluster's authority. Default: CLOISTER_TLS_CA.");
}

std::string ServerFlags::address(const Lookup& environment) const {
  return Given(address_, "CLOISTER_ADDR", environment);
}

absl::StatusOr<std::unique_ptr<Client>> ServerFlags::Connect(const Lookup& environment) const {
  const std::string text = address(environment);
  if (text.empty()) {
    return WithHint(
        absl::InvalidArgumentError("no cluster's address is given, by --address or CLOISTER_ADDR"),
        "eval \"$(cloister dev --dir /tmp/cloister --detach)\" starts a private cluster");
  }
  absl::StatusOr<rpc::Address> address = rpc::ParseAddress(text);
  if (!address.ok()) {
    return WithHint(
        absl::InvalidArgumentError(
            absl::StrCat("address '", text, "': ", address.status().message())),
        "unix:/path/to/frontend.sock, or host:port with --tls_cert, --tls_key and --tls_ca");
  }
  const rpc::TlsFiles files = {Given(tls_cert_, "CLOISTER_TLS_CERT", environment),
                               Given(tls_key_, "CLOISTER_TLS_KEY", environment),
                               Given(tls_ca_, "CLOISTER_TLS_CA", environment)};
  rpc::ChannelOptions options;
  if (!files.certificate.empty() || !files.key.empty() || !files.authority.empty()) {
    options.tls = files;
  }
  // An executor answers the same calls for its own tasks.
  options.expected.roles = {rpc::Role::kFrontend, rpc::Role::kNode};
  // The server decides whether it listens in plaintext on loopback; we send no secret by trying.
  options.dev_mode = true;
  // Client retries where it makes sense; a wrong address is to be told at once.
  options.retried_services.clear();
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = rpc::OpenChannel(*address, options);
  if (!channel.ok()) {
    return WithHint(absl::InvalidArgumentError(channel.status().message()),
                    "--tls_cert, --tls_key and --tls_ca, or CLOISTER_TLS_CERT, _KEY and _CA");
  }
  return std::make_unique<Client>(*std::move(channel), text);
}

}  // namespace cloister
