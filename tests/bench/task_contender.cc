#include "tests/bench/task_contender.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/random_id.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/status_conversion.h"
#include "tests/bench/payload_plan.h"
#include "tests/bench/task_lanes.h"

namespace cloister::bench {
namespace {

// Far beyond what any start takes: a stuck one ends the benchmark instead of stopping it.
constexpr std::chrono::seconds kPatience(30);

template <typename Request, typename Response>
absl::Status Call(v1::TaskService::Stub* stub, absl::string_view name,
                  grpc::Status (v1::TaskService::Stub::*method)(grpc::ClientContext*,
                                                                const Request&, Response*),
                  const Request& request, Response* response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  return Annotate(rpc::FromGrpcStatus((stub->*method)(&context, request, response)), name);
}

absl::Status CheckEnd(const v1::Task& task) {
  if (task.state() == v1::TASK_STATE_EXITED && task.exit_result().exit_code() == 0 &&
      task.exit_result().signal() == 0 && !task.exit_result().has_start_failure()) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat("task ", task.id(), " ended as ", task.exit_result().ShortDebugString()));
}

}  // namespace

TaskContender::TaskContender(std::string name, const std::shared_ptr<grpc::Channel>& channel)
    : Contender(std::move(name)),
      stub_(v1::TaskService::NewStub(channel)),
      id_prefix_(RandomId()) {}

v1::StartTaskRequest TaskContender::StartRequest() {
  v1::StartTaskRequest start;
  start.set_request_id(absl::StrCat(id_prefix_, "-", next_id_.fetch_add(1)));
  *start.mutable_config() = PayloadConfig();
  start.set_wait(v1::StartTaskRequest::WAIT_ENDED);
  return start;
}

v1::DestroyTaskRequest TaskContender::DestroyRequest(const std::string& task_id) const {
  v1::DestroyTaskRequest destroy;
  destroy.set_request_id(absl::StrCat(id_prefix_, "-destroy-", task_id));
  destroy.set_task_id(task_id);
  return destroy;
}

absl::Status TaskContender::StartToExit(int worker) {
  v1::StartTaskResponse ended;
  CLOISTER_RETURN_IF_ERROR(
      Call(stub_.get(), "StartTask", &v1::TaskService::Stub::StartTask, StartRequest(), &ended));
  task_ids_[static_cast<size_t>(worker)] = ended.task().id();
  return CheckEnd(ended.task());
}

absl::Status TaskContender::Forget(int worker) {
  v1::DestroyTaskResponse destroyed;
  return Call(stub_.get(), "DestroyTask", &v1::TaskService::Stub::DestroyTask,
              DestroyRequest(task_ids_[static_cast<size_t>(worker)]), &destroyed);
}

absl::Status TaskContender::TimeMany(int at_once, int count, StartTimes* times) {
  TaskCalls calls;
  calls.start = [this] { return StartRequest(); };
  calls.check = CheckEnd;
  calls.destroy = [this](const std::string& task_id) { return DestroyRequest(task_id); };
  return TaskLanes(stub_.get(), std::move(calls), at_once).Run(count, times);
}

}  // namespace cloister::bench
