// OpenFileShare: how many of the files that a machine can open at once (fs.file-max) a task's
// processes may each have.
//
// Where a task can open all of them, nobody else opens one but the node's root. Kernels leave that
// to memory, to which each open file is charged, and systemd lifts fs.file-max at boot so that it
// never matters. Where nobody has lifted it, and a task's memory holds more, this bounds it.
#ifndef CLOISTER_LIBS_PLAN_OPEN_FILE_SHARE_H_
#define CLOISTER_LIBS_PLAN_OPEN_FILE_SHARE_H_

#include <cstdint>
#include <limits>
#include <string>

#include "cloister/internal/plan.pb.h"
#include "libs/node/node_facts.h"

namespace cloister::plan {

struct OpenFileShare {
  // RLIMIT_NOFILE at the most. No bound: the greatest number.
  uint64_t per_process = std::numeric_limits<uint64_t>::max();
  // What it comes from, in words that follow it; empty where there is no bound.
  std::string why;
};

// Half of the machine's, divided by the processes that `cgroup` allows; but never less than what
// every program counts on. Without a limit on processes nothing bounds what they open together, and
// it is half for each.
OpenFileShare ShareOpenFiles(const node::NodeFacts& facts, const internal::CgroupPlan& cgroup);

}  // namespace cloister::plan

#endif  // CLOISTER_LIBS_PLAN_OPEN_FILE_SHARE_H_
