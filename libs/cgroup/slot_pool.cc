#include "libs/cgroup/slot_pool.h"

#include <sched.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace cloister::cgroup {
namespace {

constexpr absl::Duration kBusyPause = absl::Milliseconds(10);

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
  mu_.Await(absl::Condition(&settled));
  if (closing_) return absl::FailedPreconditionError("cgroup slot pool: closed");
  return make_failure_;
}

absl::Status SlotPool::AwaitRemoved(absl::Duration patience) {
  const auto removed = [this] {
    mu_.AssertHeld();
    return discarded_.empty() && !removing_;
  };
  absl::MutexLock lock(&mu_);
  if (mu_.AwaitWithTimeout(absl::Condition(&removed), patience)) return absl::OkStatus();
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
  const auto has_work = [this] {
    mu_.AssertHeld();
    return closing_ || !discarded_.empty() || WantsSlot();
  };
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(&has_work));
    // Making first: a launch may be waiting for it, nobody waits for a removal.
    if (WantsSlot()) {
      filling_ = true;
      MakeOne();
    } else if (!discarded_.empty()) {
      RemoveOne();
    } else {
      return;
    }
  }
}

bool SlotPool::WantsSlot() const {
  // Many at a time: a wake-up for each would cost a launch more than the making does.
  const size_t wanted = filling_ ? options_.target : (options_.target + 1) / 2;
  return !closing_ && ready_.size() < wanted && make_failure_.ok();
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
