// A plan in words, and as text: for `cloister explain`. For people: neither is a stable format.
#ifndef CLOISTER_LIBS_PLAN_EXPLAIN_PLAN_H_
#define CLOISTER_LIBS_PLAN_EXPLAIN_PLAN_H_

#include <string>

#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// What `plan`, which was made of the others, will do, one thing a line, each with why it came out
// so. Environment values are left out; arguments are not.
std::string ExplainPlan(const task::TaskSpec& spec, const node::NodeFacts& facts,
                        const node::NodePolicy& policy, const internal::LaunchPlan& plan);

// The plan as text proto, environment values replaced by "...": they are where secrets are put.
std::string RedactedPlanText(const internal::LaunchPlan& plan);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_EXPLAIN_PLAN_H_
