#include "tests/bench/task_lanes.h"

#include <chrono>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::bench {
namespace {

// Far beyond what any start takes: a stuck one ends the benchmark instead of stopping it.
constexpr std::chrono::seconds kPatience(30);

}  // namespace

// One task at a time, and one call of it.
class TaskLanes::Lane {
 public:
  Lane(v1::TaskService::Stub* stub, const TaskCalls* calls, grpc::CompletionQueue* queue)
      : stub_(stub), calls_(calls), queue_(queue) {}

  void Start() {
    NewContext();
    asked_ = clock_.Monotonic();
    start_ = stub_->AsyncStartTask(context_.get(), calls_->start(), queue_);
    start_->Finish(&started_, &status_, this);
  }

  // The call under way is answered. True: the task's last one.
  absl::StatusOr<bool> OnAnswer(StartTimes* times) {
    if (start_ == nullptr) {
      CLOISTER_RETURN_IF_ERROR(Annotate(rpc::FromGrpcStatus(status_), "DestroyTask"));
      times->latencies.push_back(ended_ - asked_);
      times->afterwards.push_back(clock_.Monotonic() - ended_);
      return true;
    }
    ended_ = clock_.Monotonic();
    start_.reset();
    CLOISTER_RETURN_IF_ERROR(Annotate(rpc::FromGrpcStatus(status_), "StartTask"));
    CLOISTER_RETURN_IF_ERROR(calls_->check(started_.task()));
    NewContext();
    destroy_ =
        stub_->AsyncDestroyTask(context_.get(), calls_->destroy(started_.task().id()), queue_);
    destroy_->Finish(&destroyed_, &status_, this);
    return false;
  }

 private:
  void NewContext() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(std::chrono::system_clock::now() + kPatience);
  }

  v1::TaskService::Stub* const stub_;
  const TaskCalls* const calls_;
  grpc::CompletionQueue* const queue_;
  const RealClock clock_;
  absl::Duration asked_;
  absl::Duration ended_;
  std::unique_ptr<grpc::ClientContext> context_;
  grpc::Status status_;
  v1::StartTaskResponse started_;
  v1::DestroyTaskResponse destroyed_;
  // Null unless it is the call under way.
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::StartTaskResponse>> start_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::DestroyTaskResponse>> destroy_;
};

TaskLanes::TaskLanes(v1::TaskService::Stub* stub, TaskCalls calls, int lanes)
    : calls_(std::move(calls)) {
  for (int i = 0; i < lanes; ++i) {
    lanes_.push_back(std::make_unique<Lane>(stub, &calls_, &queue_));
  }
}

TaskLanes::~TaskLanes() {
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) {
  }
}

absl::Status TaskLanes::Run(int count, StartTimes* times) {
  int left = count;
  int under_way = 0;
  for (const auto& lane : lanes_) {
    if (left == 0) break;
    --left;
    ++under_way;
    lane->Start();
  }
  absl::Status first;
  void* tag;
  bool ok;
  while (under_way > 0 && queue_.Next(&tag, &ok)) {
    Lane* const lane = static_cast<Lane*>(tag);
    const absl::StatusOr<bool> last = lane->OnAnswer(times);
    first.Update(last.status());
    if (last.ok() && !*last) continue;
    if (first.ok() && left > 0) {
      --left;
      lane->Start();
    } else {
      --under_way;
    }
  }
  return first;
}

}  // namespace cloister::bench
