// The three PEM files of mutual TLS, and whether they can serve: found out at start-up, in words,
// instead of by the first failing handshake.

#ifndef CLOISTER_LIBS_RPC_TLS_FILES_H_
#define CLOISTER_LIBS_RPC_TLS_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {

// Paths. The files may be replaced while we run, best by a symlink to their directory.
struct TlsFiles {
  std::string certificate;  // Our own, then intermediate ones.
  std::string key;          // Of the certificate, unencrypted.
  std::string authority;    // Who signs the certificates that we accept, and ours.
};

// Our own name in the certificate, if the files are fit for use at `now`: all three named, readable
// PEM; the key owned by us or root and not open to others (a key of root's may be readable by its
// group); the key is the certificate's; the certificate is valid now, signed by the authority, and
// holds one role (principal.h). Otherwise an error that names the file.
absl::StatusOr<Principal> CheckTlsFiles(const TlsFiles& files, absl::Time now);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_TLS_FILES_H_
