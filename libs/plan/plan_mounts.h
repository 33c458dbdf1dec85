// The mounts of a task of its own, over the root that it shares.
#ifndef CLOISTER_LIBS_PLAN_PLAN_MOUNTS_H_
#define CLOISTER_LIBS_PLAN_PLAN_MOUNTS_H_

#include "cloister/internal/plan.pb.h"
#include "google/protobuf/repeated_field.h"

namespace cloister::plan {

// In the order in which they are made: /proc, /dev/pts, /dev/shm, /dev/mqueue, /tmp, /local.
google::protobuf::RepeatedPtrField<internal::Mount> PlanMounts();

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_PLAN_MOUNTS_H_
