// PutFileCall: one PutFile stream. One message is under way at a time: the next is read from the
// client when the joiner has taken the last, so a slow disk slows the client and costs a message.
#ifndef CLOISTER_SERVICES_EXECUTOR_PUT_FILE_CALL_H_
#define CLOISTER_SERVICES_EXECUTOR_PUT_FILE_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "cloister/v1/file.pb.h"
#include "libs/rpc/drain_signal.h"
#include "services/executor/joiner_line.h"

namespace cloister::executor {

class PutFileCall final : public grpc::ServerReadReactor<v1::PutFileRequest> {
 public:
  // Starts the joiner of a checked header; `temporary` is the name of the unfinished file.
  using Open = std::function<absl::StatusOr<std::shared_ptr<JoinerLine>>(
      const v1::PutFileRequest::Header& header, const std::string& temporary,
      std::function<void()> on_ready)>;

  // Lives until the call is done. `response` is the call's own.
  static PutFileCall* Start(Open open, rpc::DrainSignal* drain, v1::PutFileResponse* response);

 private:
  PutFileCall(Open open, v1::PutFileResponse* response)
      : open_(std::move(open)), response_(response) {}

  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  absl::Status Take();
  absl::Status TakeHeader();
  // What is to be done next, as far as it can be done now. Of one thread at a time: reading from
  // the client and waiting for the joiner take turns.
  void Move();
  // True: the client's next message is wanted.
  absl::StatusOr<bool> Step();
  absl::StatusOr<bool> SendRest();
  // Around what uses the call, so that End on another thread does not finish it meanwhile.
  void Enter() ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_);
  // The first one counts; OK ends the call well.
  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  bool has_ended() ABSL_LOCKS_EXCLUDED(mutex_);

  const Open open_;
  v1::PutFileResponse* const response_;
  v1::PutFileRequest message_;
  std::string name_;
  enum class State { kHeader, kOpening, kData, kCommitted } state_ = State::kHeader;
  // Of message_, what the joiner has not taken yet.
  size_t sent_ = 0;
  uint64_t total_ = 0;
  bool commit_sent_ = false;

  absl::Mutex mutex_;
  int inside_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // Set once; the mutex is for the cancelling thread.
  std::shared_ptr<JoinerLine> line_ ABSL_GUARDED_BY(mutex_);
  rpc::DrainSignal::Subscription drain_;
  std::shared_ptr<PutFileCall> self_;
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_PUT_FILE_CALL_H_
