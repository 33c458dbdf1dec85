#include "libs/rpc/listen_address.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/address.h"
#include "libs/rpc/socket_directory.h"
#include "libs/rpc/tls_files.h"

namespace cloister::rpc {
namespace {

template <typename... Parts>
absl::Status Refusal(const Address& address, const Parts&... why) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot listen on ", address.ToString(), ": ", why...));
}

}  // namespace

absl::StatusOr<Protection> CheckListenAddress(const Address& address, bool dev_mode,
                                              const absl::optional<TlsFiles>& tls, absl::Time now) {
  if (address.is_unix()) {
    CLOISTER_RETURN_IF_ERROR(
        Annotate(CheckSocketDirectory(address.path()), "cannot listen on ", address.ToString()));
    return Protection::kPeerUid;
  }
  if (!address.is_numeric()) {
    return Refusal(address,
                   "write the interface's address instead of a name, such as 127.0.0.1 or [::1] "
                   "for this machine");
  }
  if (tls.has_value()) {
    CLOISTER_RETURN_IF_ERROR(
        Annotate(CheckTlsFiles(*tls, now), "cannot listen on ", address.ToString(), ": TLS")
            .status());
    return Protection::kMutualTls;
  }
  if (!address.is_loopback()) {
    return Refusal(address,
                   "other machines can reach it, which takes mutual TLS: name a certificate, its "
                   "key and the authority");
  }
  if (!dev_mode) {
    return Refusal(address,
                   "without TLS anybody on this machine could use it: name a certificate, its key "
                   "and the authority, listen on unix:/path, or say that this is dev mode");
  }
  return Protection::kDevPlaintext;
}

}  // namespace cloister::rpc
