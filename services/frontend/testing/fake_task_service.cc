#include "services/frontend/testing/fake_task_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::frontend {
namespace {

constexpr size_t kChunkBytes = 64 << 10;

void SetNow(google::protobuf::Timestamp* time) {
  const int64_t nanos = absl::GetCurrentTimeNanos();
  time->set_seconds(nanos / 1'000'000'000);
  time->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, grpc::Status status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(std::move(status));
  return reactor;
}

grpc::Status NoSuchTask(const std::string& task_id) {
  return rpc::ToGrpcStatus(
      WithReason(absl::NotFoundError(absl::StrCat("no task ", task_id)), "TASK_UNKNOWN"));
}

}  // namespace

// Not answered until its caller has gone.
class FakeTaskService::HeldCall final : public grpc::ServerUnaryReactor {
 public:
  explicit HeldCall(FakeTaskService* service) : service_(service) {}

 private:
  void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  void OnDone() override {
    service_->CountCancelled();
    delete this;
  }
  FakeTaskService* const service_;
};

class FakeTaskService::LogStream final : public grpc::ServerWriteReactor<v1::ReadLogsResponse> {
 public:
  LogStream(FakeTaskService* service, uint64_t offset, size_t chunks, bool then_hang)
      : service_(service), left_(chunks), then_hang_(then_hang) {
    chunk_.set_offset(offset);
    chunk_.set_data(std::string(kChunkBytes, 'x'));
    Continue();
  }

 private:
  void Continue() {
    if (left_ > 0) {
      --left_;
      StartWrite(&chunk_);
    } else if (!then_hang_) {
      Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::CANCELLED);
      return;
    }
    service_->CountChunk();
    chunk_.set_offset(chunk_.offset() + kChunkBytes);
    if (left_ == 0 && then_hang_) {
      absl::MutexLock lock(&mu_);
      hanging_ = true;
      if (!cancelled_) return;
    } else {
      Continue();
      return;
    }
    Finish(grpc::Status::CANCELLED);
  }
  void OnCancel() override {
    cancelled_seen_ = true;
    {
      absl::MutexLock lock(&mu_);
      cancelled_ = true;
      if (!hanging_) return;
    }
    Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    if (cancelled_seen_) service_->CountCancelled();
    delete this;
  }

  FakeTaskService* const service_;
  size_t left_;
  const bool then_hang_;
  v1::ReadLogsResponse chunk_;
  bool cancelled_seen_ = false;
  absl::Mutex mu_;
  bool hanging_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

void FakeTaskService::Listen(Listener listener) {
  absl::MutexLock lock(&mu_);
  listener_ = std::move(listener);
}

std::vector<v1::Task> FakeTaskService::Snapshot() const {
  absl::MutexLock lock(&mu_);
  std::vector<v1::Task> tasks;
  for (const auto& [id, task] : tasks_) tasks.push_back(task);
  return tasks;
}

void FakeTaskService::Exit(const std::string& task_id, int exit_code) {
  absl::MutexLock lock(&mu_);
  v1::Task* task = Find(task_id);
  task->mutable_exit_result()->set_exit_code(exit_code);
  SetNow(task->mutable_exit_time());
  Change(task, v1::TASK_STATE_EXITED);
}

void FakeTaskService::Remove(const std::string& task_id) {
  absl::MutexLock lock(&mu_);
  tasks_.erase(task_id);
  if (listener_.destroyed) listener_.destroyed(task_id);
}

void FakeTaskService::FailStarts(grpc::Status status) {
  absl::MutexLock lock(&mu_);
  start_status_ = std::move(status);
}

void FakeTaskService::HoldStarts(bool hold) {
  absl::MutexLock lock(&mu_);
  hold_starts_ = hold;
}

void FakeTaskService::SetLogs(size_t chunks, bool then_hang) {
  absl::MutexLock lock(&mu_);
  log_chunks_ = chunks;
  log_hangs_ = then_hang;
}

size_t FakeTaskService::starts() const {
  absl::MutexLock lock(&mu_);
  return starts_;
}

size_t FakeTaskService::chunks_written() const {
  absl::MutexLock lock(&mu_);
  return chunks_written_;
}

std::string FakeTaskService::last_principal() const {
  absl::MutexLock lock(&mu_);
  return last_principal_;
}

std::chrono::system_clock::time_point FakeTaskService::last_deadline() const {
  absl::MutexLock lock(&mu_);
  return last_deadline_;
}

void FakeTaskService::AwaitCancelled(size_t count) const {
  const auto enough = [this, count]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return cancelled_ >= count; };
  absl::MutexLock lock(&mu_, absl::Condition(&enough));
}

grpc::ServerUnaryReactor* FakeTaskService::StartTask(grpc::CallbackServerContext* context,
                                                     const v1::StartTaskRequest* request,
                                                     v1::StartTaskResponse* response) {
  absl::MutexLock lock(&mu_);
  Note(*context);
  ++starts_;
  if (!start_status_.ok()) return Answer(context, start_status_);
  v1::Task* task = Find(request->task_id());
  if (task == nullptr) task = Create(*request);
  if (hold_starts_) return new HeldCall(this);
  *response->mutable_task() = *task;
  return Answer(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* FakeTaskService::GetTask(grpc::CallbackServerContext* context,
                                                   const v1::GetTaskRequest* request,
                                                   v1::GetTaskResponse* response) {
  absl::MutexLock lock(&mu_);
  Note(*context);
  const v1::Task* task = Find(request->task_id());
  if (task == nullptr) return Answer(context, NoSuchTask(request->task_id()));
  *response->mutable_task() = *task;
  // What only the node knows.
  response->mutable_task()->set_pid(4711);
  return Answer(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* FakeTaskService::StopTask(grpc::CallbackServerContext* context,
                                                    const v1::StopTaskRequest* request,
                                                    v1::StopTaskResponse* response) {
  absl::MutexLock lock(&mu_);
  Note(*context);
  v1::Task* task = Find(request->task_id());
  if (task == nullptr) return Answer(context, NoSuchTask(request->task_id()));
  Change(task, v1::TASK_STATE_STOPPING);
  *response->mutable_task() = *task;
  return Answer(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* FakeTaskService::SignalTask(grpc::CallbackServerContext* context,
                                                      const v1::SignalTaskRequest* request,
                                                      v1::SignalTaskResponse*) {
  absl::MutexLock lock(&mu_);
  Note(*context);
  if (request->signal() == "BAD") {
    return Answer(context,
                  rpc::ToGrpcStatus(InvalidArgument({{"signal", "no signal has this name"}})));
  }
  return Answer(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* FakeTaskService::DestroyTask(grpc::CallbackServerContext* context,
                                                       const v1::DestroyTaskRequest* request,
                                                       v1::DestroyTaskResponse*) {
  absl::MutexLock lock(&mu_);
  Note(*context);
  if (tasks_.erase(request->task_id()) == 0) {
    return Answer(context, NoSuchTask(request->task_id()));
  }
  if (listener_.destroyed) listener_.destroyed(request->task_id());
  return Answer(context, grpc::Status::OK);
}

grpc::ServerWriteReactor<v1::ReadLogsResponse>* FakeTaskService::ReadLogs(
    grpc::CallbackServerContext* context, const v1::ReadLogsRequest* request) {
  size_t chunks = 0;
  bool then_hang = false;
  {
    absl::MutexLock lock(&mu_);
    Note(*context);
    chunks = log_chunks_;
    then_hang = log_hangs_;
  }
  return new LogStream(this, request->offset(), chunks, then_hang);
}

grpc::ServerUnaryReactor* FakeTaskService::ExplainTask(grpc::CallbackServerContext* context,
                                                       const v1::ExplainTaskRequest*,
                                                       v1::ExplainTaskResponse* response) {
  absl::MutexLock lock(&mu_);
  Note(*context);
  response->set_text(absl::StrCat("explained by ", node_id_));
  return Answer(context, grpc::Status::OK);
}

void FakeTaskService::Note(const grpc::CallbackServerContext& context) {
  const auto metadata = context.client_metadata().find("cloister-principal");
  last_principal_ = metadata == context.client_metadata().end()
                        ? ""
                        : std::string(metadata->second.data(), metadata->second.size());
  last_deadline_ = context.deadline();
}

void FakeTaskService::Change(v1::Task* task, v1::TaskState state) {
  task->set_state(state);
  task->set_revision(++revision_);
  if (listener_.updated) listener_.updated(*task);
}

v1::Task* FakeTaskService::Find(const std::string& task_id) {
  const auto it = tasks_.find(task_id);
  return it == tasks_.end() ? nullptr : &it->second;
}

v1::Task* FakeTaskService::Create(const v1::StartTaskRequest& request) {
  v1::Task* task = &tasks_[request.task_id()];
  task->set_id(request.task_id());
  task->set_node_id(node_id_);
  *task->mutable_config() = request.config();
  SetNow(task->mutable_create_time());
  Change(task, v1::TASK_STATE_PENDING);
  SetNow(task->mutable_start_time());
  Change(task, v1::TASK_STATE_RUNNING);
  return task;
}

void FakeTaskService::CountChunk() {
  absl::MutexLock lock(&mu_);
  ++chunks_written_;
}

void FakeTaskService::CountCancelled() {
  absl::MutexLock lock(&mu_);
  ++cancelled_;
}

}  // namespace cloister::frontend
