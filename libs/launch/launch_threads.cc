#include "libs/launch/launch_threads.h"

#include <sys/prctl.h>

#include <cstdlib>
#include <thread>
#include <utility>

namespace cloister {
namespace launch {
namespace {

constexpr uint64_t kAllCapabilities = ~uint64_t{0};

// Only what the kernel knows: PR_CAPBSET_READ fails from the first unknown capability on.
uint64_t DropBounding(uint64_t keep) {
  uint64_t left = 0;
  for (unsigned long capability = 0; capability < 64; ++capability) {
    const int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held < 0) break;
    if (held == 0) continue;
    if ((keep >> capability & 1) == 0) {
      // A thread that could not drop would launch tasks with more than was planned.
      if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) std::abort();
      continue;
    }
    left |= uint64_t{1} << capability;
  }
  return left;
}

}  // namespace

std::unique_ptr<LaunchThreads::Group> LaunchThreads::StartGroup(uint64_t bounding) {
  auto group = std::make_unique<Group>();
  group->bounding = bounding;
  for (int i = 0; i < threads_per_group_; ++i)
    std::thread(&LaunchThreads::Run, this, group.get()).detach();
  return group;
}

void LaunchThreads::PrepareBounding(uint64_t bounding) {
  absl::MutexLock lock(&mutex_);
  if (usual_ != nullptr) return;
  // A thread begins with the bounding set of its maker: before that is reduced.
  if (full_ == nullptr) full_ = StartGroup(kAllCapabilities);
  usual_ = StartGroup(bounding);
  here_.bounding = DropBounding(bounding);
  prepared_ = true;
}

LaunchThreads::Result LaunchThreads::LaunchHere(LaunchJob job) {
  return Launch(site_, &here_, std::move(job));
}

LaunchThreads::Group* LaunchThreads::GroupFor(uint64_t bounding) {
  absl::MutexLock lock(&mutex_);
  if (usual_ != nullptr && (bounding & ~usual_->bounding) == 0) return usual_.get();
  if (full_ == nullptr) full_ = StartGroup(kAllCapabilities);
  return full_.get();
}

void LaunchThreads::Submit(LaunchJob job, Done done) {
  Group* group = GroupFor(job.plan.capabilities().bounding());
  absl::MutexLock lock(&group->mutex);
  group->queue.push_back({std::move(job), std::move(done)});
}

void LaunchThreads::Run(Group* group) {
  LaunchThread thread;
  thread.bounding = DropBounding(group->bounding);
  for (;;) {
    group->mutex.LockWhen(absl::Condition(
        +[](Group* g) ABSL_EXCLUSIVE_LOCKS_REQUIRED(g->mutex) { return !g->queue.empty(); },
        group));
    Work work = std::move(group->queue.front());
    group->queue.pop_front();
    group->mutex.Unlock();
    work.done(Launch(site_, &thread, std::move(work.job)));
  }
}

}  // namespace launch
}  // namespace cloister
