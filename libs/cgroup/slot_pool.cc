#include "libs/cgroup/slot_pool.h"

#include <sched.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace cloister::cgroup {
namespace {

constexpr absl::Duration kBusyPause = absl::Milliseconds(10);
// What waits longer for a lull than this is done without one.
constexpr absl::Duration kLullPatience = absl::Milliseconds(50);
// So many discarded slots are no longer a matter for a lull.
constexpr size_t kManyDiscarded = 16;

}  // namespace

SlotPool::SlotPool(std::shared_ptr<const SlotParents> parents, SlotPoolOptions options)
    : parents_(std::move(parents)), options_(std::move(options)), thread_([this] { Run(); }) {}

SlotPool::~SlotPool() { (void)Close(absl::Milliseconds(500)); }

absl::StatusOr<CgroupSlot> SlotPool::Take() {
  {
    absl::MutexLock lock(&mu_);
    if (closing_) return absl::FailedPreconditionError("cgroup slot pool: closed");
    make_failure_ = absl::OkStatus();
    if (!ready_.empty()) {
      CgroupSlot slot = std::move(ready_.front());
      ready_.pop_front();
      return slot;
    }
  }
  return Make();
}

void SlotPool::Discard(CgroupSlot slot) {
  slot.CloseJoinFds();
  absl::MutexLock lock(&mu_);
  discarded_.push_back(std::move(slot));
}

absl::Status SlotPool::AwaitReady() {
  const auto settled = [this] {
    mu_.AssertHeld();
    return ready_.size() >= options_.target || !make_failure_.ok() || closing_;
  };
  absl::MutexLock lock(&mu_);
  filling_ = true;
  ++awaited_;
  mu_.Await(absl::Condition(&settled));
  --awaited_;
  if (closing_) return absl::FailedPreconditionError("cgroup slot pool: closed");
  return make_failure_;
}

absl::Status SlotPool::AwaitRemoved(absl::Duration patience) {
  const auto removed = [this] {
    mu_.AssertHeld();
    return discarded_.empty() && !removing_;
  };
  absl::MutexLock lock(&mu_);
  ++awaited_;
  const bool done = mu_.AwaitWithTimeout(absl::Condition(&removed), patience);
  --awaited_;
  if (done) return absl::OkStatus();
  if (!remove_failure_.ok()) return remove_failure_;
  return absl::DeadlineExceededError("cgroup slot pool: removals take longer than they were given");
}

absl::Status SlotPool::Close(absl::Duration patience) {
  {
    absl::MutexLock lock(&mu_);
    if (closing_) return absl::OkStatus();
    closing_ = true;
    // From here on the thread makes none. These are removed first, as they are empty for sure.
    while (!ready_.empty()) {
      discarded_.push_front(std::move(ready_.front()));
      ready_.pop_front();
    }
  }
  absl::Status status = AwaitRemoved(patience);
  {
    absl::MutexLock lock(&mu_);
    giving_up_ = true;
  }
  thread_.join();
  return status;
}

void SlotPool::Run() {
  // A batch thread does not preempt whom it wakes beside: that is a launch, which took a slot or
  // gave one back. (Refused, it is an ordinary thread.)
  const sched_param no_priority{};
  (void)sched_setscheduler(0, SCHED_BATCH, &no_priority);
  const auto wanted = [this] {
    mu_.AssertHeld();
    return closing_ || HasWork();
  };
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(&wanted));
    AwaitLull();
    // Making first: a launch may be waiting for it, nobody waits for a removal.
    if (WantsSlot()) {
      filling_ = true;
      MakeOne();
    } else if (!discarded_.empty()) {
      RemoveOne();
    } else if (closing_) {
      return;
    }
    catching_up_ = catching_up_ && HasWork();
  }
}

bool SlotPool::HasWork() const { return !discarded_.empty() || WantsSlot(); }

bool SlotPool::IsUrgent() const {
  return closing_ || awaited_ > 0 || discarded_.size() >= kManyDiscarded ||
         (WantsSlot() && HasFewReady());
}

void SlotPool::AwaitLull() {
  if (options_.lull == nullptr || catching_up_) return;
  const auto urgent = [this] {
    mu_.AssertHeld();
    return IsUrgent();
  };
  options_.lull->Await(&mu_, absl::Condition(&urgent), kLullPatience);
  catching_up_ = IsUrgent();
}

bool SlotPool::HasFewReady() const {
  return ready_.size() < options_.target && ready_.size() <= options_.target / 4;
}

bool SlotPool::WantsSlot() const {
  // Many at a time: a wake-up for each would cost a launch more than the making does.
  return !closing_ && make_failure_.ok() &&
         (filling_ ? ready_.size() < options_.target : HasFewReady());
}

void SlotPool::MakeOne() {
  mu_.Unlock();
  absl::StatusOr<CgroupSlot> slot = Make();
  if (slot.ok()) slot->LoadLimitFiles();
  mu_.Lock();
  if (!slot.ok()) {
    make_failure_ = slot.status();
  } else if (closing_) {
    discarded_.push_front(*std::move(slot));
  } else {
    ready_.push_back(*std::move(slot));
    filling_ = ready_.size() < options_.target;
  }
}

void SlotPool::RemoveOne() {
  CgroupSlot slot = std::move(discarded_.front());
  discarded_.pop_front();
  removing_ = true;
  mu_.Unlock();
  absl::Status status = slot.Remove();
  mu_.Lock();
  removing_ = false;
  if (!status.ok() || discarded_.empty()) remove_failure_ = status;
  // At work already: no launch has to wake this thread for it.
  if (ready_.size() <= options_.target / 2) filling_ = true;
  if (status.ok() || giving_up_) {
    busy_in_a_row_ = 0;
    return;
  }
  discarded_.push_back(std::move(slot));
  if (++busy_in_a_row_ < discarded_.size()) return;
  // Every one of them is busy: a pause, unless something better is to be done.
  busy_in_a_row_ = 0;
  const auto interrupted = [this, before = discarded_.size()] {
    mu_.AssertHeld();
    return giving_up_ || discarded_.size() != before || WantsSlot();
  };
  (void)mu_.AwaitWithTimeout(absl::Condition(&interrupted), kBusyPause);
}

absl::StatusOr<CgroupSlot> SlotPool::Make() {
  while (true) {
    std::string name;
    {
      absl::MutexLock lock(&mu_);
      name = absl::StrCat(options_.prefix, "-", next_number_++);
    }
    absl::StatusOr<CgroupSlot> slot =
        CgroupSlot::Create(parents_, name, CgroupSlot::Existing::kRefuse);
    // Left by an earlier process with our prefix: its counters are not ours.
    if (!absl::IsAlreadyExists(slot.status())) return slot;
  }
}

}  // namespace cloister::cgroup
