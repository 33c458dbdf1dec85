// A stream that is an error from the start.
#ifndef CLOISTER_SERVICES_EXECUTOR_FAILED_STREAM_H_
#define CLOISTER_SERVICES_EXECUTOR_FAILED_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include "absl/status/status.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::executor {

// Deletes itself.
template <typename Response>
class FailedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit FailedStream(const absl::Status& status) { this->Finish(rpc::ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_FAILED_STREAM_H_
