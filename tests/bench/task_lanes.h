// TaskLanes: several tasks at a time over one channel, each from its StartTask, which waits for the
// end, to its DestroyTask. One thread sends all and reads all answers, as a scheduler's client does
// that has many starts under way: sixteen threads that block in calls of their own wake one another
// for every answer, and their processor time would be counted as Cloister's.
#ifndef CLOISTER_TESTS_BENCH_TASK_LANES_H_
#define CLOISTER_TESTS_BENCH_TASK_LANES_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "tests/bench/measurement.h"

namespace cloister::bench {

// What the calls of one task ask, and which answer is a success.
struct TaskCalls {
  std::function<v1::StartTaskRequest()> start;
  std::function<absl::Status(const v1::Task& ended)> check;
  std::function<v1::DestroyTaskRequest(const std::string& task_id)> destroy;
};

class TaskLanes {
 public:
  // `stub` is borrowed.
  TaskLanes(v1::TaskService::Stub* stub, TaskCalls calls, int lanes);
  ~TaskLanes();
  TaskLanes(const TaskLanes&) = delete;
  TaskLanes& operator=(const TaskLanes&) = delete;

  // `count` tasks; their times are appended in the order of their ends. After the first that fails
  // none is begun, and those under way are seen through.
  absl::Status Run(int count, StartTimes* times);

 private:
  class Lane;

  const TaskCalls calls_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_TASK_LANES_H_
