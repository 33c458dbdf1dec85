#include "libs/artifact/output_watch.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"

namespace cloister::artifact {
namespace {

// What a cell can write beyond its limit is what a disk takes in so long.
constexpr absl::Duration kPause = absl::Milliseconds(500);
// A look at a tree of many entries takes its time: it has a fifth of a core at most.
constexpr int kPauseOfLook = 4;

}  // namespace

OutputWatch::OutputWatch(OutputLimits limits, OnOver on_over)
    : limits_(limits), on_over_(std::move(on_over)), thread_([this] { Run(); }) {}

OutputWatch::~OutputWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void OutputWatch::Add(uint64_t id, OwnedFd directory, std::string processes) {
  absl::MutexLock lock(&mutex_);
  cells_[id] = std::make_shared<const Cell>(Cell{std::move(directory), std::move(processes)});
}

void OutputWatch::Remove(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  cells_.erase(id);
}

void OutputWatch::Look() {
  std::map<uint64_t, std::shared_ptr<const Cell>> cells;
  {
    absl::MutexLock lock(&mutex_);
    cells = cells_;
  }
  for (const auto& [id, cell] : cells) {
    absl::Status status = CheckWritten(cell->processes, limits_);
    if (status.ok()) status = CheckOutputSize(cell->directory.get(), limits_);
    // What cannot be looked at now may be the next time.
    if (!absl::IsResourceExhausted(status)) continue;
    Remove(id);
    on_over_(id, status);
  }
}

void OutputWatch::Run() {
  absl::Duration pause = kPause;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const auto busy = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !cells_.empty();
      };
      mutex_.Await(absl::Condition(&busy));
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause);
      if (stopping_) return;
    }
    const absl::Time begin = absl::Now();
    Look();
    pause = std::max(kPause, kPauseOfLook * (absl::Now() - begin));
  }
}

}  // namespace cloister::artifact
