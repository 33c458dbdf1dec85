// FakeTaskService: an executor's TaskService without tasks behind it, for tests of the frontend.
// A started task "runs" until the test ends it; what the frontend sent is remembered.
#ifndef CLOISTER_SERVICES_FRONTEND_TESTING_FAKE_TASK_SERVICE_H_
#define CLOISTER_SERVICES_FRONTEND_TESTING_FAKE_TASK_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "cloister/v1/task_service.grpc.pb.h"

namespace cloister::frontend {

// Thread-safe.
class FakeTaskService final : public v1::TaskService::CallbackService {
 public:
  // Where changes are told; both may be empty. Called under the service's lock.
  struct Listener {
    std::function<void(const v1::Task&)> updated;
    std::function<void(const std::string& task_id)> destroyed;
  };

  explicit FakeTaskService(std::string node_id) : node_id_(std::move(node_id)) {}

  // --- What the test does.

  void Listen(Listener listener);
  std::vector<v1::Task> Snapshot() const;
  // The payload ends.
  void Exit(const std::string& task_id, int exit_code);
  // The task is gone, as after a DestroyTask.
  void Remove(const std::string& task_id);
  // Every further StartTask fails so; OK: none does.
  void FailStarts(grpc::Status status);
  // Every further StartTask is accepted and not answered until its caller has gone.
  void HoldStarts(bool hold);
  // ReadLogs writes so many chunks of 64 KiB, then ends or, with `then_hang`, waits for its caller
  // to go.
  void SetLogs(size_t chunks, bool then_hang);

  // --- What the test asks.

  size_t starts() const;
  size_t chunks_written() const;
  // The metadata and the deadline of the last call.
  std::string last_principal() const;
  std::chrono::system_clock::time_point last_deadline() const;
  // Returns when so many held or hanging calls have been cancelled since the beginning.
  void AwaitCancelled(size_t count) const;

  // --- TaskService.

  grpc::ServerUnaryReactor* StartTask(grpc::CallbackServerContext* context,
                                      const v1::StartTaskRequest* request,
                                      v1::StartTaskResponse* response) override;
  grpc::ServerUnaryReactor* GetTask(grpc::CallbackServerContext* context,
                                    const v1::GetTaskRequest* request,
                                    v1::GetTaskResponse* response) override;
  grpc::ServerUnaryReactor* StopTask(grpc::CallbackServerContext* context,
                                     const v1::StopTaskRequest* request,
                                     v1::StopTaskResponse* response) override;
  // Refuses the signal "BAD" with every detail that an error can have.
  grpc::ServerUnaryReactor* SignalTask(grpc::CallbackServerContext* context,
                                       const v1::SignalTaskRequest* request,
                                       v1::SignalTaskResponse* response) override;
  grpc::ServerUnaryReactor* DestroyTask(grpc::CallbackServerContext* context,
                                        const v1::DestroyTaskRequest* request,
                                        v1::DestroyTaskResponse* response) override;
  grpc::ServerWriteReactor<v1::ReadLogsResponse>* ReadLogs(
      grpc::CallbackServerContext* context, const v1::ReadLogsRequest* request) override;
  grpc::ServerUnaryReactor* ExplainTask(grpc::CallbackServerContext* context,
                                        const v1::ExplainTaskRequest* request,
                                        v1::ExplainTaskResponse* response) override;

 private:
  class HeldCall;
  class LogStream;

  void Note(const grpc::CallbackServerContext& context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Change(v1::Task* task, v1::TaskState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Null if it is not there.
  v1::Task* Find(const std::string& task_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::Task* Create(const v1::StartTaskRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CountChunk();
  void CountCancelled();

  const std::string node_id_;
  mutable absl::Mutex mu_;
  Listener listener_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, v1::Task> tasks_ ABSL_GUARDED_BY(mu_);
  uint64_t revision_ ABSL_GUARDED_BY(mu_) = 0;
  grpc::Status start_status_ ABSL_GUARDED_BY(mu_);
  bool hold_starts_ ABSL_GUARDED_BY(mu_) = false;
  size_t log_chunks_ ABSL_GUARDED_BY(mu_) = 0;
  bool log_hangs_ ABSL_GUARDED_BY(mu_) = false;
  size_t starts_ ABSL_GUARDED_BY(mu_) = 0;
  size_t chunks_written_ ABSL_GUARDED_BY(mu_) = 0;
  size_t cancelled_ ABSL_GUARDED_BY(mu_) = 0;
  std::string last_principal_ ABSL_GUARDED_BY(mu_);
  std::chrono::system_clock::time_point last_deadline_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cloister::frontend

#endif  // CLOISTER_SERVICES_FRONTEND_TESTING_FAKE_TASK_SERVICE_H_
