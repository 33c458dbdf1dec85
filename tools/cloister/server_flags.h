// Where the cluster is, and as whom to talk to it: --address and the TLS flags, or CLOISTER_ADDR
// and CLOISTER_TLS_*.
#ifndef CLOISTER_TOOLS_CLOISTER_SERVER_FLAGS_H_
#define CLOISTER_TOOLS_CLOISTER_SERVER_FLAGS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/cloister/client.h"
#include "tools/cloister/flags.h"

namespace cloister {

class ServerFlags {
 public:
  // Value of an environment variable; null when unset.
  using Lookup = std::function<const char*(const std::string& name)>;

  void Declare(FlagSet* flags);

  // Does not wait for the server: the first call says whether there is one. INVALID_ARGUMENT, with
  // the next thing to try, when no address is given or it cannot be used.
  absl::StatusOr<std::unique_ptr<Client>> Connect(const Lookup& environment) const;

  // Of the flag or the environment; empty when neither says it.
  std::string address(const Lookup& environment) const;

 private:
  std::string address_;
  std::string tls_cert_;
  std::string tls_key_;
  std::string tls_ca_;
};

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_SERVER_FLAGS_H_
