// A task of Cloister's, asked for over gRPC: one StartTask that waits for the end is timed,
// DestroyTask follows.
#ifndef CLOISTER_TESTS_BENCH_TASK_CONTENDER_H_
#define CLOISTER_TESTS_BENCH_TASK_CONTENDER_H_

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "cloister/v1/task_service.grpc.pb.h"
#include "tests/bench/contender.h"

namespace cloister::bench {

class TaskContender : public Contender {
 public:
  // `channel` leads to an executor or to a frontend: their API is one.
  TaskContender(std::string name, const std::shared_ptr<grpc::Channel>& channel);

  absl::Status StartToExit(int worker) override;
  absl::Status Forget(int worker) override;
  // From one thread: task_lanes.h says why.
  absl::Status TimeMany(int at_once, int count, StartTimes* times) override;

 private:
  v1::StartTaskRequest StartRequest();
  v1::DestroyTaskRequest DestroyRequest(const std::string& task_id) const;

  const std::unique_ptr<v1::TaskService::Stub> stub_;
  // Request ids of two runs differ, or the second would be given the tasks of the first.
  const std::string id_prefix_;
  std::atomic<int64_t> next_id_{0};
  std::array<std::string, kWorkers> task_ids_;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_TASK_CONTENDER_H_
