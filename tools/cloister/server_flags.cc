#include "tools/cloister/server_flags.h"

#include <grpcpp/create_channel.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/address.h"
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

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  // A person waits: a server that is being restarted is tried again soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // A wait may last for days without a byte; a dead peer must be noticed all the same.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return arguments;
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
  const bool any_file =
      !files.certificate.empty() || !files.key.empty() || !files.authority.empty();
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!address->is_unix() && (any_file || !address->is_loopback())) {
    absl::StatusOr<rpc::Principal> self = rpc::CheckTlsFiles(files, absl::Now());
    if (!self.ok()) {
      return WithHint(absl::InvalidArgumentError(
                          absl::StrCat("mutual TLS to ", text, ": ", self.status().message())),
                      "--tls_cert, --tls_key and --tls_ca, or CLOISTER_TLS_CERT, _KEY and _CA");
    }
  }
  return std::make_unique<Client>(
      grpc::CreateCustomChannel(address->ToString(), credentials, Arguments()), text);
}

}  // namespace cloister
