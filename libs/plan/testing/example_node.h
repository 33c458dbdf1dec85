// Made-up nodes, users and tasks for tests of plans: what a plan is made of, without a node.
#ifndef CLOISTER_LIBS_PLAN_TESTING_EXAMPLE_NODE_H_
#define CLOISTER_LIBS_PLAN_TESTING_EXAMPLE_NODE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cloister/v1/task.pb.h"
#include "libs/node/node_facts.h"
#include "libs/node/node_policy.h"
#include "libs/task/resolved_user.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// A Debian 12 node with merged /usr and Linux 6.1, with the paths of DefaultNodePolicy looked for.
// Layout kNone has no cgroups mounted.
node::NodeFacts ExampleFacts(node::CgroupLayout layout);

// The same node with directories of their own for /bin, /lib, /lib64 and /sbin.
node::NodeFacts ExampleFactsWithoutMergedUsr(node::CgroupLayout layout);

// The same node with an executor that user alice (uid and gid 1000) runs without root: with her id
// alone, or with 65536 further ones. No cgroup is hers.
node::NodeFacts ExampleFactsWithoutRoot(node::UserNamespace::Kind kind);
task::ResolvedUser ExampleAlice();

// nobody, uid and gid 65534, as Debian has it.
task::ResolvedUser ExampleNobody();
task::ResolvedUser ExampleRoot();

// Text of a TaskConfig; the test fails if it is none.
v1::TaskConfig ExampleConfig(absl::string_view text);
// A spec of the same; the test fails if it is refused.
task::TaskSpec ExampleSpec(absl::string_view text);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_TESTING_EXAMPLE_NODE_H_
