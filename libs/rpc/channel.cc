#include "libs/rpc/channel.h"

#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/address.h"
#include "libs/rpc/credentials.h"
#include "libs/rpc/tls_files.h"

namespace cloister::rpc {
namespace {

// Our servers bear a ping every 10 s (server.h); others answer too many with ENHANCE_YOUR_CALM.
constexpr int kKeepaliveMillis = 20 * 1000;
constexpr int kKeepaliveTimeoutMillis = 10 * 1000;
constexpr int kFirstReconnectMillis = 100;
// One attempt may take this long (the argument's name is about something else).
constexpr int kConnectTimeoutMillis = 10 * 1000;
constexpr int kMaxUnixReconnectMillis = 1000;
constexpr int kMaxTcpReconnectMillis = 10 * 1000;
constexpr int kMaxMessageBytes = 4 << 20;
constexpr int kMaxMetadataBytes = 32 << 10;

// gRPC's service config (https://github.com/grpc/grpc/blob/master/doc/service_config.md).
std::string RetryConfig(const std::vector<std::string>& services) {
  const std::string names = absl::StrJoin(services, ",", [](std::string* out, const auto& name) {
    absl::StrAppend(out, R"({"service":")", name, R"("})");
  });
  return absl::StrCat(R"({
    "methodConfig": [{
      "name": [)",
                      names, R"(],
      "retryPolicy": {
        "maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"]
      }
    }],
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1}
  })");
}

grpc::ChannelArguments MakeArguments(const Address& address, const ChannelOptions& options) {
  grpc::ChannelArguments arguments;
  const std::pair<const char*, int> values[] = {
      {GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis},
      // A watch is silent for hours; so is a channel between two calls.
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
      {GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMillis},
      {GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMillis},
      {GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
       address.is_unix() ? kMaxUnixReconnectMillis : kMaxTcpReconnectMillis},
      {GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes},
      {GRPC_ARG_ENABLE_RETRIES, 1},
      // Not what the environment (http_proxy) or a name server (TXT records) says.
      {GRPC_ARG_ENABLE_HTTP_PROXY, 0},
      {GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1},
      // Channels with different credentials must not share a connection, whatever gRPC compares.
      {GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1},
  };
  for (const auto& [name, value] : values) arguments.SetInt(name, value);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetUserAgentPrefix("cloister");
  if (!options.retried_services.empty()) {
    arguments.SetServiceConfigJSON(RetryConfig(options.retried_services));
  }
  return arguments;
}

// With its scheme, so that gRPC does not ask a name server about a number.
std::string Target(const Address& address) {
  if (address.is_unix()) return address.ToString();
  if (!address.is_numeric()) return absl::StrCat("dns:///", address.ToString());
  const bool is_v6 = absl::string_view(address.host()).find(':') != absl::string_view::npos;
  return absl::StrCat(is_v6 ? "ipv6:" : "ipv4:", address.ToString());
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const Address& address, const ChannelOptions& options) {
  if (address.is_unix()) return grpc::InsecureChannelCredentials();
  if (address.port() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot connect to ", address.ToString(), ": port 0 is none"));
  }
  if (options.tls.has_value()) {
    CLOISTER_RETURN_IF_ERROR(Annotate(CheckTlsFiles(*options.tls, absl::Now()),
                                      "cannot connect to ", address.ToString(), ": TLS")
                                 .status());
    return MutualTlsChannelCredentials(*options.tls, options.expected, options.tls_reload_interval);
  }
  if (!address.is_loopback() || !options.dev_mode) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot connect to ", address.ToString(),
                     " without TLS: name a certificate, its key and the authority",
                     address.is_loopback() ? ", or say that this is dev mode" : ""));
  }
  return grpc::InsecureChannelCredentials();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Address& address,
                                                           const ChannelOptions& options) {
  CLOISTER_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                            MakeCredentials(address, options));
  return grpc::CreateCustomChannel(Target(address), credentials, MakeArguments(address, options));
}

}  // namespace cloister::rpc
