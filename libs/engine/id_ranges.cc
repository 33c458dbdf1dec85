#include "libs/engine/id_ranges.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/engine/engine_error.h"

namespace cloister::engine {

// By the first id; several of a kind where records say so.
class IdRanges::Taken : public std::enable_shared_from_this<IdRanges::Taken> {
 public:
  IdRangeLease Take(uint32_t first, uint32_t per_task, uint32_t ranges) {
    absl::MutexLock lock(&mutex_);
    for (uint32_t i = 0; i < ranges; ++i) {
      const uint32_t at = first + (next_ + i) % ranges * per_task;
      if (Overlaps(at, per_task)) continue;
      next_ = (next_ + i + 1) % ranges;
      return Lease(at, per_task);
    }
    return nullptr;
  }

  IdRangeLease Adopt(uint32_t first, uint32_t count) {
    absl::MutexLock lock(&mutex_);
    return Lease(first, count);
  }

 private:
  bool Overlaps(uint32_t first, uint32_t count) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const uint64_t end = uint64_t{first} + count;
    for (auto range = ranges_.upper_bound(first); range != ranges_.begin();) {
      --range;
      if (uint64_t{range->first} + range->second > first) return true;
      // No range is larger than all that a task may have.
      if (first - range->first >= kLargest) break;
    }
    const auto after = ranges_.lower_bound(first);
    return after != ranges_.end() && after->first < end;
  }

  IdRangeLease Lease(uint32_t first, uint32_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ranges_.emplace(first, count);
    return IdRangeLease(new IdRange{first, count},
                        [self = shared_from_this()](const IdRange* range) {
                          self->Release(*range);
                          delete range;
                        });
  }

  void Release(const IdRange& range) {
    absl::MutexLock lock(&mutex_);
    const auto equal = ranges_.equal_range(range.first);
    for (auto it = equal.first; it != equal.second; ++it) {
      if (it->second != range.count) continue;
      ranges_.erase(it);
      return;
    }
  }

  static constexpr uint32_t kLargest = 1 << 16;

  absl::Mutex mutex_;
  std::multimap<uint32_t, uint32_t> ranges_ ABSL_GUARDED_BY(mutex_);
  uint32_t next_ ABSL_GUARDED_BY(mutex_) = 0;
};

IdRanges::IdRanges(uint32_t first, uint32_t count, uint32_t per_task)
    : first_(first),
      per_task_(per_task),
      ranges_(per_task == 0 ? 0 : count / per_task),
      taken_(std::make_shared<Taken>()) {}

absl::StatusOr<IdRangeLease> IdRanges::Take() {
  IdRangeLease lease = taken_->Take(first_, per_task_, ranges_);
  if (lease != nullptr) return lease;
  return EngineError(absl::StatusCode::kResourceExhausted, kUserIdsExhausted,
                     absl::StrCat("userns \"private\": all ", ranges_,
                                  " ranges of ids of this node (userns_ids) belong to tasks that "
                                  "are not destroyed yet"));
}

IdRangeLease IdRanges::Adopt(uint32_t first, uint32_t count) { return taken_->Adopt(first, count); }

}  // namespace cloister::engine
