// What a task is called and how it resolves names: `hostname` and `dns`.
#ifndef CLOISTER_LIBS_TASK_PARSE_NAMES_H_
#define CLOISTER_LIBS_TASK_PARSE_NAMES_H_

#include "cloister/v1/task.pb.h"
#include "libs/task/task_spec.h"
#include "libs/task/violations.h"

namespace cloister::task {

// As the kernel has it: __NEW_UTS_LEN.
inline constexpr size_t kMaxHostnameBytes = 64;

// Pure: both add everything that is wrong. Nothing that passes can end a line of /etc/hosts or
// /etc/resolv.conf.
void CheckHostname(const v1::TaskConfig& config, Violations* violations);
Dns ParseDns(const v1::TaskConfig& config, Violations* violations);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_PARSE_NAMES_H_
