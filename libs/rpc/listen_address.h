// What a server may listen on. A unix socket always; TCP only with mutual TLS; TCP without TLS only
// in dev mode and only on loopback. Everything else is refused at start-up, with the reason.

#ifndef CLOISTER_LIBS_RPC_LISTEN_ADDRESS_H_
#define CLOISTER_LIBS_RPC_LISTEN_ADDRESS_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/rpc/address.h"
#include "libs/rpc/tls_files.h"

namespace cloister::rpc {

// What keeps strangers out.
enum class Protection {
  kPeerUid,       // The socket's mode, and the peer's uid at accept.
  kMutualTls,     // A certificate with a role.
  kDevPlaintext,  // Nothing: whoever is on this machine is the principal `dev`.
};

// The protection of this listen address, or the sentence why there is none: INVALID_ARGUMENT where
// the address or the options contradict each other, FAILED_PRECONDITION where a file or directory
// is not fit. `tls` is set if the operator named any of its files; it is checked here
// (tls_files.h).
absl::StatusOr<Protection> CheckListenAddress(const Address& address, bool dev_mode,
                                              const absl::optional<TlsFiles>& tls, absl::Time now);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_LISTEN_ADDRESS_H_
