// Errors of the engine: the reasons that a program branches on. Every one is listed in
// docs/errors.md.
#ifndef CLOISTER_LIBS_ENGINE_ENGINE_ERROR_H_
#define CLOISTER_LIBS_ENGINE_ENGINE_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/base/error_reason.h"

namespace cloister::engine {

// The same request_id with another body.
inline constexpr absl::string_view kRequestIdReused = "REQUEST_ID_REUSED";
inline constexpr absl::string_view kTaskUnknown = "TASK_UNKNOWN";
// It still runs, or has not ended yet.
inline constexpr absl::string_view kTaskLive = "TASK_LIVE";
// It does not run (any more, or not yet).
inline constexpr absl::string_view kTaskNotRunning = "TASK_NOT_RUNNING";
inline constexpr absl::string_view kTooManyTasks = "TOO_MANY_TASKS";
inline constexpr absl::string_view kNodeMemoryExhausted = "NODE_MEMORY_EXHAUSTED";
inline constexpr absl::string_view kUserIdsExhausted = "USER_IDS_EXHAUSTED";
// A step of the launch failed; metadata: step, index, errno.
inline constexpr absl::string_view kStartFailed = "START_FAILED";
// An artifact could not be fetched, checked or put in its place; UNAVAILABLE where another try can
// help.
inline constexpr absl::string_view kArtifactFailed = "ARTIFACT_FAILED";
// The launcher died before the payload's exec; nothing of the task is left, so it may be started
// again.
inline constexpr absl::string_view kLauncherDied = "LAUNCHER_DIED";
// No launcher could be started.
inline constexpr absl::string_view kNoLauncher = "NO_LAUNCHER";
inline constexpr absl::string_view kWatchOverflow = "WATCH_OVERFLOW";
inline constexpr absl::string_view kShuttingDown = "SHUTTING_DOWN";

// `message` says what, which and why. `code` must not be OK.
absl::Status EngineError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                         const ReasonMetadata& metadata = {});

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_ENGINE_ERROR_H_
