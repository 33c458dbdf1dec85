// TaskSpec: what was asked for, checked. The only way to one is ParseTaskSpec (parse_task_spec.h),
// so whoever holds one need not check again. Immutable, never serialised.
#ifndef CLOISTER_LIBS_TASK_TASK_SPEC_H_
#define CLOISTER_LIBS_TASK_TASK_SPEC_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/v1/task.pb.h"
#include "libs/capability/names.h"
#include "libs/task/user_field.h"

namespace cloister::task {

class TaskSpec {
 public:
  // Inert text for people; may be empty.
  const std::string& name() const { return values_.name; }
  const std::map<std::string, std::string>& meta() const { return values_.meta; }

  // Not empty; absolute, or a name to search.
  const std::string& command() const { return values_.command; }
  const std::vector<std::string>& args() const { return values_.args; }
  // Names are [A-Za-z_][A-Za-z0-9_]*.
  const std::map<std::string, std::string>& env() const { return values_.env; }
  // Absolute and clean, inside the task's root.
  const std::string& work_dir() const { return values_.work_dir; }

  const UserField& user() const { return values_.user; }
  const capability::CapabilityList& cap_add() const { return values_.cap_add; }
  const capability::CapabilityList& cap_drop() const { return values_.cap_drop; }

  // MHz shares, 1 to 262144.
  int64_t cpu_shares() const { return values_.cpu_shares; }
  // A whole number of MiB, at least one.
  uint64_t memory_bytes() const { return values_.memory_bytes; }
  // 2 to 4194304.
  int64_t pids() const { return values_.pids; }

  // Whole milliseconds, 0 to 24 h; 0 kills at once.
  absl::Duration kill_timeout() const { return values_.kill_timeout; }
  // 1 to 64.
  int kill_signal() const { return values_.kill_signal; }

 private:
  friend absl::StatusOr<TaskSpec> ParseTaskSpec(const v1::TaskConfig& config);

  struct Values {
    std::string name;
    std::map<std::string, std::string> meta;
    std::string command;
    std::vector<std::string> args;
    std::map<std::string, std::string> env;
    std::string work_dir;
    UserField user;
    capability::CapabilityList cap_add;
    capability::CapabilityList cap_drop;
    int64_t cpu_shares = 0;
    uint64_t memory_bytes = 0;
    int64_t pids = 0;
    absl::Duration kill_timeout;
    int kill_signal = 0;
  };
  explicit TaskSpec(Values values) : values_(std::move(values)) {}

  Values values_;
};

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_TASK_SPEC_H_
