// The mounts of a task of its own, over the root that it shares.
#ifndef CLOISTER_LIBS_PLAN_PLAN_MOUNTS_H_
#define CLOISTER_LIBS_PLAN_PLAN_MOUNTS_H_

#include "cloister/internal/plan.pb.h"
#include "google/protobuf/repeated_field.h"
#include "libs/node/node_facts.h"
#include "libs/task/task_spec.h"

namespace cloister::plan {

// Those that every task has, in the order in which they are made: /proc, /dev/pts, /dev/shm,
// /dev/mqueue, /tmp, /local, /alloc, /secrets.
google::protobuf::RepeatedPtrField<internal::Mount> PlanMounts(const task::TaskSpec& spec,
                                                               const node::NodeFacts& facts);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_MOUNTS_H_
