// Interpolation: a task's configuration with its references replaced (references.h), so that
// ParseTaskSpec, and everything behind it, sees only what will be used.
#ifndef CLOISTER_LIBS_TASK_INTERPOLATION_H_
#define CLOISTER_LIBS_TASK_INTERPOLATION_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cloister/v1/task.pb.h"
#include "libs/base/field_violations.h"
#include "libs/task/references.h"
#include "libs/task/task_spec.h"

namespace cloister::task {

struct Interpolated {
  // `config` with its references replaced, and an environment that has the built-in variables, too.
  // A text whose references cannot be replaced has become one without any that passes
  // ParseTaskSpec, so that the other violations are found as well.
  v1::TaskConfig config;
  // Field paths as ParseTaskSpec's. Of many the first 20 are told, with the number of the others.
  std::vector<FieldViolation> violations;
};

// Replaces in config.command, config.args, config.work_dir, the values of env, the destinations of
// volume_mounts, and the texts of artifacts; constraints are CheckConstraints's. Values of env see
// the node's names and the built-in variables, not each other; all else sees the task's own
// variables as well. One of them takes the place of a built-in variable of its name. Together the
// texts stay below what ParseTaskSpec lets through, so nothing grows without bound. Pure.
//
// `node` are the node's names, `built_in` the variables that it sets (environment.h).
Interpolated Interpolate(const v1::TaskConfig& config, const Names& node, const Names& built_in);

// Where no node is known, as in a file that is only checked: names are taken on trust, and only how
// references are written is looked at.
Interpolated InterpolateNowhere(const v1::TaskConfig& config);

// The names that the configuration refers to, constraints included; those of texts that cannot be
// read are left out.
std::set<std::string> ReferencedNames(const v1::TaskConfig& config);

// The specification of what was interpolated; INVALID_ARGUMENT with the violations of both.
absl::StatusOr<TaskSpec> ParseInterpolated(const Interpolated& interpolated);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_INTERPOLATION_H_
