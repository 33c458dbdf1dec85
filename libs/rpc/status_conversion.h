// The one place where an absl::Status becomes a grpc::Status, and back.
//
// Handlers return absl::Status; what is in its payloads under a google.rpc type (libs/base:
// error_reason, field_violations; here: error_details) goes out as google.rpc.Status in the
// trailer grpc-status-details-bin, where clients of every language find it. Other payloads stay
// inside.

#ifndef CLOISTER_LIBS_RPC_STATUS_CONVERSION_H_
#define CLOISTER_LIBS_RPC_STATUS_CONVERSION_H_

#include <grpcpp/support/status.h>

#include <cstddef>

#include "absl/status/status.h"

namespace cloister::rpc {

// Clients drop a call whose trailers exceed 8 KiB (the default of most gRPC implementations), so
// message (up to three bytes for one, percent-encoded) and details (four for three, in base64)
// share that.
inline constexpr size_t kMaxStatusMessageBytes = 1024;
inline constexpr size_t kMaxStatusDetailsBytes = 3072;

// What is longer is cut: the message at kMaxStatusMessageBytes; violations that do not fit are
// counted in a last one; a further detail that does not fit is left out. An error always carries an
// ErrorInfo with domain "cloister"; its reason is the code's name where the status has none. Bytes
// that are not UTF-8 become '?'.
grpc::Status ToGrpcStatus(const absl::Status& status);

// For clients, and for a frontend that hands on the executor's error: details become payloads
// again. A code out of range is UNKNOWN; details that cannot be read are left out.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_STATUS_CONVERSION_H_
