#include "libs/engine/task_status.h"

#include <google/protobuf/util/time_util.h>
#include <sys/wait.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/engine/engine_error.h"

namespace cloister::engine {
namespace {

using google::protobuf::util::TimeUtil;

google::protobuf::Duration ToProto(absl::Duration duration) {
  return TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(duration));
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  return TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

}  // namespace

v1::Task MakeTask(const internal::IntentRecord& intent) {
  v1::Task task;
  task.set_id(intent.task_id());
  task.set_external_id(intent.external_id());
  task.set_node_id(intent.node_id());
  *task.mutable_config() = WithoutEnvironmentValues(intent.config());
  *task.mutable_create_time() = TimeUtil::NanosecondsToTimestamp(intent.create_time_ns());
  return task;
}

void SetLaunched(const internal::Launched& launched, v1::Task* task) {
  task->set_pid(launched.pid());
  if (launched.exec_time_ns() != 0) {
    *task->mutable_start_time() = TimeUtil::NanosecondsToTimestamp(launched.exec_time_ns());
  }
}

void SetPhases(const StartTimes& times, absl::Duration exec_seen, v1::Task* task) {
  if (times.arrival == absl::ZeroDuration()) return;
  v1::StartPhases* phases = task->mutable_start_phases();
  *phases->mutable_plan() = ToProto(times.planned - times.arrival);
  *phases->mutable_record() = ToProto(times.recorded - times.planned);
  absl::Duration launched = times.recorded;
  if (times.staged != absl::ZeroDuration()) {
    *phases->mutable_artifacts() = ToProto(times.staged - times.recorded);
    launched = times.staged;
  }
  *phases->mutable_launch() = ToProto(exec_seen - launched);
  *phases->mutable_total() = ToProto(exec_seen - times.arrival);
}

void SetExited(const internal::Exited& exited, v1::Task* task) {
  v1::ExitResult* result = task->mutable_exit_result();
  if (WIFSIGNALED(exited.wait_status())) {
    result->set_signal(WTERMSIG(exited.wait_status()));
  } else {
    result->set_exit_code(WEXITSTATUS(exited.wait_status()));
  }
  result->set_killed_after_grace(exited.killed_after_grace());
  result->set_oom_killed(exited.usage().oom_kills() > 0);
  result->set_memory_peak_bytes(exited.usage().memory_peak_bytes());
  *result->mutable_cpu_time() =
      TimeUtil::NanosecondsToDuration(static_cast<int64_t>(exited.usage().cpu_time_ns()));
  *task->mutable_exit_time() = TimeUtil::NanosecondsToTimestamp(exited.exit_time_ns());
  task->clear_pid();
}

void SetStartFailure(v1::StartFailure failure, absl::Time now, v1::Task* task) {
  *task->mutable_exit_result()->mutable_start_failure() = std::move(failure);
  *task->mutable_exit_time() = ToProto(now);
  task->clear_pid();
}

void SetLost(absl::string_view reason, absl::Time now, v1::Task* task) {
  task->mutable_exit_result()->set_lost_reason(std::string(reason));
  *task->mutable_exit_time() = ToProto(now);
  task->clear_pid();
}

std::string StepName(internal::LaunchStep step) {
  if (step == internal::LAUNCH_STEP_UNSPECIFIED) return "";
  const std::string name = internal::LaunchStep_Name(step);
  // A number that only a newer launcher knows.
  if (name.empty()) return absl::StrCat(static_cast<int>(step));
  return std::string(absl::StripPrefix(name, "LAUNCH_STEP_"));
}

absl::Status StartStatus(const TaskRecord& record) {
  if (!record.start_error.ok()) return record.start_error;
  const v1::ExitResult& result = record.task->exit_result();
  if (!result.has_start_failure()) return absl::OkStatus();
  const v1::StartFailure& failure = result.start_failure();
  return EngineError(absl::StatusCode::kFailedPrecondition, kStartFailed, failure.message(),
                     {{"task_id", record.task->id()},
                      {"step", failure.step()},
                      {"errno", absl::StrCat(failure.error_number())}});
}

}  // namespace cloister::engine
