// TaskRecord: one task as the engine holds it in memory.
#ifndef CLOISTER_LIBS_ENGINE_TASK_RECORD_H_
#define CLOISTER_LIBS_ENGINE_TASK_RECORD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cloister/internal/plan.pb.h"
#include "cloister/v1/task.pb.h"
#include "libs/engine/cancellation.h"
#include "libs/engine/id_ranges.h"
#include "libs/engine/task_machine.h"

namespace cloister::engine {

// What is read back of a task. Never changed once made: each change of the task makes a new one, so
// that readers and watchers share it without a lock. Environment values are already withheld in it.
using TaskSnapshot = std::shared_ptr<const v1::Task>;

// When a start got how far, on the monotonic clock of this process; zero in a recovered task.
struct StartTimes {
  absl::Duration arrival;
  absl::Duration planned;
  absl::Duration recorded;
  // All artifacts are in their places; zero where there are none.
  absl::Duration staged;
};

// A stop that waits for the launch to be on its way.
struct PendingStop {
  int signal = 0;
  int64_t grace_ms = 0;
};

struct TaskRecord {
  TaskPhase phase = TaskPhase::kPending;
  // Never null in a table.
  TaskSnapshot task;
  // Who asked, and a digest of what was asked, to tell a retry from another request with the same
  // id.
  std::string principal;
  std::string request_digest;
  // What the task holds of the node while it is live.
  int64_t memory_mib = 0;
  // Of a task with ids of its own: they are its as long as the record is there.
  IdRangeLease ids;
  // Name of the launcher that has it; empty while none has.
  std::string launcher;
  // Default of a stop.
  internal::StopPolicy stop;
  // Until the exec is done or has failed: what is being launched.
  std::shared_ptr<const internal::LaunchPlan> plan;
  StartTimes times;
  // The launch is on its way, so that what is sent to the launcher from now on comes after it.
  bool launch_sent = false;
  absl::optional<PendingStop> pending_stop;
  // While its artifacts are fetched: ends that, and with it the task.
  std::shared_ptr<Cancellation> staging;
  // Why there was no exec, where that was not a step of the launch.
  absl::Status start_error;
  // The object outlives the end: there was an exec, or a caller was answered before it (wait =
  // ACCEPTED). A start that fails without it leaves no object.
  bool keep = false;
  // A destroy is under way: another one waits for it.
  bool destroying = false;
  // It lasts, for want of descriptors, say: who waits for a failed start need not wait for that.
  bool lingers = false;
};

// Takes out what may be secret of artifacts: the values of their headers; user, password and query
// values of their sources.
void ForgetArtifactSecrets(v1::TaskConfig* config);
void ForgetArtifactSecrets(internal::LaunchPlan* plan);

// Copies `config` with what may be secret emptied, or taken out: the values of its environment and
// of the headers of artifacts, user, password and query values of their sources. What may be read
// back.
v1::TaskConfig WithoutEnvironmentValues(const v1::TaskConfig& config);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_TASK_RECORD_H_
