// SlotPool: cgroup slots made ahead and removed behind, on a thread of its own, so that a launch
// pays for neither: making the four directories of a v1 task takes some 200 µs, removing them 80.
// With a Lull it does so while nobody waits for a launch or an exit.
//
// In this version a slot serves one task and is removed; whether one could be used again (its
// charge zero, every counter reset or baselined) is this class's business alone, behind Take and
// Discard.
//
//   absl::StatusOr<std::shared_ptr<const SlotParents>> parents = OpenSlotParents(plan);
//   SlotPool pool(*parents, {"l1", 32});
//   absl::StatusOr<CgroupSlot> slot = pool.Take();   // O(1) while the pool keeps up
//   ... launch, reap, Kill, Stats ...
//   pool.Discard(*std::move(slot));
#ifndef CLOISTER_LIBS_CGROUP_SLOT_POOL_H_
#define CLOISTER_LIBS_CGROUP_SLOT_POOL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/lull.h"
#include "libs/cgroup/slot.h"
#include "libs/cgroup/slot_parents.h"

namespace cloister::cgroup {

struct SlotPoolOptions {
  // Slots are called "<prefix>-<number>". A launcher's name, which no other process uses; pools of
  // one launcher may share it, as each passes over names that are there.
  std::string prefix;
  // How many slots are kept ready. Each holds one descriptor per hierarchy.
  size_t target = 16;
  // Slots are made and removed in one, unless many wait; null: at once. Outlives the pool.
  const Lull* lull = nullptr;
};

// Thread-safe.
class SlotPool {
 public:
  // Starts the thread, which begins to fill the pool.
  SlotPool(std::shared_ptr<const SlotParents> parents, SlotPoolOptions options);

  // As Close with half a second; what that leaves is left.
  ~SlotPool();

  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  // A slot without limits and without processes; makes one on this thread when none is ready. The
  // caller gives it back by Discard, or removes it.
  absl::StatusOr<CgroupSlot> Take();

  // Has the slot removed soon. Its processes have been killed; where the kernel is not done with
  // them yet, removal is tried again until it works.
  void Discard(CgroupSlot slot);

  // Blocks until `target` slots are ready; fails as their making fails.
  absl::Status AwaitReady();

  // Blocks until every discarded slot is removed, at most `patience`; the last failure otherwise.
  absl::Status AwaitRemoved(absl::Duration patience);

  // Ends the thread and removes the ready and the discarded slots; slots that were taken and not
  // discarded stay as they are. An error names the first that could not be removed within
  // `patience`. Take fails from then on. Idempotent.
  absl::Status Close(absl::Duration patience);

  // True if slots of this pool are what `plan` needs.
  bool Serves(const internal::CgroupPlan& plan) const { return SamePlacement(*parents_, plan); }

 private:
  void Run();
  bool WantsSlot() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasFewReady() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsUrgent() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AwaitLull() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // One slot made or one removed; the lock is not held over system calls.
  void MakeOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<CgroupSlot> Make() ABSL_LOCKS_EXCLUDED(mu_);

  const std::shared_ptr<const SlotParents> parents_;
  const SlotPoolOptions options_;

  absl::Mutex mu_;
  uint64_t next_number_ ABSL_GUARDED_BY(mu_) = 1;
  std::deque<CgroupSlot> ready_ ABSL_GUARDED_BY(mu_);
  // Until there are `target` again; begins when three quarters of them are taken, or half of them
  // and one is given back.
  bool filling_ ABSL_GUARDED_BY(mu_) = true;
  std::deque<CgroupSlot> discarded_ ABSL_GUARDED_BY(mu_);
  // Callers of AwaitReady and AwaitRemoved.
  int awaited_ ABSL_GUARDED_BY(mu_) = 0;
  // It became urgent: no lull is waited for until all is done, one at a time would stay urgent.
  bool catching_up_ ABSL_GUARDED_BY(mu_) = false;
  // A slot is being removed: it is in no queue.
  bool removing_ ABSL_GUARDED_BY(mu_) = false;
  // Of the removals that failed one after the other.
  size_t busy_in_a_row_ ABSL_GUARDED_BY(mu_) = 0;
  // Of a failed making; the next Take clears it: no second try before somebody asks.
  absl::Status make_failure_ ABSL_GUARDED_BY(mu_);
  // The last failed removal since all were done.
  absl::Status remove_failure_ ABSL_GUARDED_BY(mu_);
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  // Close has no more patience: what cannot be removed at the first try is left.
  bool giving_up_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_SLOT_POOL_H_
