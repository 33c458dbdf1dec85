// FrontendConfig: the frontend's command line, checked.
#ifndef CLOISTER_SERVICES_FRONTEND_FRONTEND_CONFIG_H_
#define CLOISTER_SERVICES_FRONTEND_FRONTEND_CONFIG_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "libs/rpc/address.h"
#include "libs/rpc/tls_files.h"

namespace cloister::frontend {

// As given; main.cc declares a flag of each name, with its meaning.
struct FrontendFlags {
  std::string listen;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_ca;
  bool dev = false;
  std::string allowed_uids;
};

struct FrontendConfig {
  // At least one.
  std::vector<rpc::Address> listen;
  absl::optional<rpc::TlsFiles> tls;
  bool dev = false;
  std::vector<uid_t> allowed_uids;
};

// INVALID_ARGUMENT with every flag that is wrong, as field violations named like the flags.
absl::StatusOr<FrontendConfig> ParseFrontendFlags(const FrontendFlags& flags);

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_FRONTEND_CONFIG_H_
