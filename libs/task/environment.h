// The environment of a task: built from nothing, so that none of the node's can leak in.
#ifndef CLOISTER_LIBS_TASK_ENVIRONMENT_H_
#define CLOISTER_LIBS_TASK_ENVIRONMENT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cloister/v1/task.pb.h"
#include "libs/task/resolved_user.h"

namespace cloister::task {

inline constexpr absl::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Where a task is.
struct TaskPlace {
  std::string task_id;
  // The node's own, for a task whose JobContext names none.
  std::string datacenter;
  std::string region;
  // Empty: the node limits by no cgroups.
  std::string cgroup_parent;
};

// PATH, and what the exec driver's scheduler tells its tasks as NOMAD_*, as far as it has a meaning
// here. A variable without a value is left out. Keys of meta are there as written and in upper
// case, what is not a letter or digit replaced by '_'; where two meet, the one that is written so
// wins, then the first in order.
//
// The task's own variables take the place of those of their name (libs/task/interpolation.h).
std::map<std::string, std::string> BuiltInVariables(const v1::TaskConfig& config,
                                                    const TaskPlace& place);

// True for the names that say who the task runs as: USER, LOGNAME, HOME. The node sets them,
// whatever the task asked for, as the exec driver does; PATH is a default only.
bool IsSetByNode(absl::string_view name);

// "NAME=value", sorted by name: PATH, USER, LOGNAME, HOME and what the task asked for. A PATH of
// the task's wins; a USER, LOGNAME or HOME of the task's does not.
std::vector<std::string> MakeEnvironment(const std::map<std::string, std::string>& asked,
                                         const ResolvedUser& user);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_ENVIRONMENT_H_
