// What is read back of a task, made from records and from what launchers say. Pure.
#ifndef CLOISTER_LIBS_ENGINE_TASK_STATUS_H_
#define CLOISTER_LIBS_ENGINE_TASK_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cloister/internal/launcher.pb.h"
#include "cloister/internal/record.pb.h"
#include "cloister/v1/task.pb.h"
#include "libs/engine/task_record.h"

namespace cloister::engine {

// A task of which nothing runs yet. Environment values are withheld.
v1::Task MakeTask(const internal::IntentRecord& intent);

// The payload's exec is done.
void SetLaunched(const internal::Launched& launched, v1::Task* task);
// Where the start's time went, until `exec_seen` (monotonic). Nothing for a start that another
// executor made.
void SetPhases(const StartTimes& times, absl::Duration exec_seen, v1::Task* task);
void SetExited(const internal::Exited& exited, v1::Task* task);
// It never ran. `now` is when that was known.
void SetStartFailure(v1::StartFailure failure, absl::Time now, v1::Task* task);
void SetLost(absl::string_view reason, absl::Time now, v1::Task* task);

// "MOUNTS" for LAUNCH_STEP_MOUNTS; empty for LAUNCH_STEP_UNSPECIFIED.
std::string StepName(internal::LaunchStep step);

// What a start answers that waited for this task to be settled: OK if it came to an exec.
absl::Status StartStatus(const TaskRecord& record);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_STATUS_H_
