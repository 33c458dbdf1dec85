// The ranges of ids of a node's tasks that have ids of their own. Each is one task's until nothing
// of the task is left, its files included: they belong to these ids.
//
// There is no record of its own: the intent's plan has the range, so a restarted executor knows of
// those that are taken from the tasks that it finds.
#ifndef CLOISTER_LIBS_ENGINE_ID_RANGES_H_
#define CLOISTER_LIBS_ENGINE_ID_RANGES_H_

#include <cstdint>
#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace cloister::engine {

// Taken as long as there is a copy of it.
struct IdRange {
  uint32_t first = 0;
  uint32_t count = 0;
};
using IdRangeLease = std::shared_ptr<const IdRange>;

// Thread-safe. Leases may outlive it.
class IdRanges {
 public:
  // The ids from `first` on, `count` of them, of which each task gets `per_task`; 0: there are
  // none.
  IdRanges(uint32_t first, uint32_t count, uint32_t per_task);

  // One that is free; of all those the one that was free for longest, or nearly: what a task leaves
  // somewhere shall not be the next one's. RESOURCE_EXHAUSTED (USER_IDS_EXHAUSTED).
  absl::StatusOr<IdRangeLease> Take();

  // One that a task of an earlier executor has, within these or, as the policy may have been
  // another, not.
  IdRangeLease Adopt(uint32_t first, uint32_t count);

 private:
  class Taken;

  const uint32_t first_;
  const uint32_t per_task_;
  const uint32_t ranges_;
  const std::shared_ptr<Taken> taken_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_ID_RANGES_H_
