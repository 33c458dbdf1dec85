// Whether a directory can hold our sockets: whoever can write to it, or to one above it, could put
// a socket of his own in our place and be told what was meant for us.

#ifndef CLOISTER_LIBS_RPC_SOCKET_DIRECTORY_H_
#define CLOISTER_LIBS_RPC_SOCKET_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"

namespace cloister::rpc {

// OK if the directory of `socket_path` (absolute) exists and it and all directories on the way to
// it belong to us, to root, or to whoever owns "/" (in a user namespace root has no name), and
// nobody else can write to them. A sticky directory such as /tmp may be on the way but not be the
// one itself. FAILED_PRECONDITION with the offending directory otherwise.
absl::Status CheckSocketDirectory(const std::string& socket_path);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_SOCKET_DIRECTORY_H_
