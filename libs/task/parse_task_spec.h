// ParseTaskSpec: from what a stranger sent to a TaskSpec, or to everything that is wrong with it.
#ifndef CLOISTER_LIBS_TASK_PARSE_TASK_SPEC_H_
#define CLOISTER_LIBS_TASK_PARSE_TASK_SPEC_H_

#include "absl/status/statusor.h"
#include "cloister/v1/task.pb.h"
#include "libs/task/task_spec.h"

namespace cloister::task {

// What a task gets that does not say otherwise.
inline constexpr int64_t kDefaultCpuShares = 100;
inline constexpr int64_t kDefaultMemoryMib = 300;
inline constexpr int64_t kDefaultSecretsMib = 1;
inline constexpr int64_t kDefaultPids = 1024;
inline constexpr int64_t kDefaultShmBytes = 64 << 20;  // As Docker and the exec driver have it.
inline constexpr absl::Duration kDefaultKillTimeout = absl::Seconds(5);
inline constexpr int kDefaultKillSignal = 15;  // SIGTERM

// What execve(2) takes: one argument or variable, its NUL included (MAX_ARG_STRLEN), and all of
// them with a pointer each, well below its own limit of a quarter of the stack limit.
inline constexpr size_t kMaxStringBytes = 128 << 10;
inline constexpr size_t kMaxExecBytes = 1 << 20;

// Pure. INVALID_ARGUMENT with every violation at once (libs/base/field_violations.h), fields as
// paths in TaskConfig: "config.command", "env[BAD-NAME]", "resources.memory". Of a request that is
// nothing but violations the first 20 are told, with the number of the others. A field that this
// version does not know is a violation: a newer client that asks for a further fence must not get a
// task without it; one that is known and not available yet is one as well. Texts are taken as they
// stand: what is interpolated was before.
absl::StatusOr<TaskSpec> ParseTaskSpec(const v1::TaskConfig& config);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_PARSE_TASK_SPEC_H_
