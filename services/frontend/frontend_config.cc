#include "services/frontend/frontend_config.h"

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/field_violations.h"

namespace cloister::frontend {
namespace {

std::vector<std::string> Entries(const std::string& list) {
  return absl::StrSplit(list, ',', absl::SkipWhitespace());
}

}  // namespace

absl::StatusOr<FrontendConfig> ParseFrontendFlags(const FrontendFlags& flags) {
  FrontendConfig config;
  std::vector<FieldViolation> wrong;
  for (const std::string& entry : Entries(flags.listen)) {
    absl::StatusOr<rpc::Address> address = rpc::ParseAddress(entry);
    if (address.ok()) {
      config.listen.push_back(*std::move(address));
    } else {
      wrong.push_back({"listen", std::string(address.status().message())});
    }
  }
  if (Entries(flags.listen).empty()) {
    wrong.push_back({"listen", "is required: unix:/path or host:port"});
  }
  const rpc::TlsFiles tls = {flags.tls_cert, flags.tls_key, flags.tls_ca};
  const int given = !tls.certificate.empty() + !tls.key.empty() + !tls.authority.empty();
  if (given > 0) config.tls = tls;
  if (given == 1 || given == 2) {
    wrong.push_back({"tls_cert", "tls_cert, tls_key and tls_ca come together or not at all"});
  }
  config.dev = flags.dev;
  for (const std::string& entry : Entries(flags.allowed_uids)) {
    uint32_t uid;
    if (absl::SimpleAtoi(entry, &uid)) {
      config.allowed_uids.push_back(uid);
    } else {
      wrong.push_back({"allowed_uids", absl::StrCat("'", entry, "' is no user id")});
    }
  }
  if (absl::Status status = InvalidArgument(wrong); !status.ok()) return status;
  return config;
}

}  // namespace cloister::frontend
