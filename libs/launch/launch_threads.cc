#include "libs/launch/launch_threads.h"

#include <linux/seccomp.h>
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

// Whether threads of this kind can launch such a task.
bool Suits(uint64_t bounding, const std::string& seccomp, const internal::LaunchPlan& plan) {
  return (plan.capabilities().bounding() & ~bounding) == 0 && seccomp == SeccompHash(plan);
}

}  // namespace

std::unique_ptr<LaunchThreads::Group> LaunchThreads::StartGroup(uint64_t bounding,
                                                                const std::string& seccomp) {
  auto group = std::make_unique<Group>();
  group->bounding = bounding;
  group->seccomp = seccomp;
  for (int i = 0; i < threads_per_group_; ++i)
    std::thread(&LaunchThreads::Run, this, group.get()).detach();
  return group;
}

void LaunchThreads::TakeOn(uint64_t bounding, const std::string& seccomp,
                           LaunchThread* thread) const {
  thread->bounding = DropBounding(bounding);
  if (seccomp.empty()) return;
  const SeccompProgram* program = site_->seccomp_programs().Find(seccomp);
  // Without the first part its tasks get the whole program.
  if (program == nullptr || program->inherited == nullptr) return;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program->inherited, 0, 0) == 0) {
    thread->seccomp = seccomp;
  }
}

void LaunchThreads::Prepare(const internal::LaunchPlan& plan) {
  absl::MutexLock lock(&mutex_);
  if (usual_ != nullptr) return;
  // A thread begins with the bounding set and the filters of its maker: before those are changed.
  if (full_ == nullptr) full_ = StartGroup(kAllCapabilities, "");
  usual_ = StartGroup(plan.capabilities().bounding(), SeccompHash(plan));
  here_kind_ = usual_.get();
  TakeOn(usual_->bounding, usual_->seccomp, &here_);
}

bool LaunchThreads::CanLaunchHere(const internal::LaunchPlan& plan) const {
  return here_kind_ != nullptr && Suits(here_.bounding, here_kind_->seccomp, plan);
}

LaunchThreads::Result LaunchThreads::LaunchHere(LaunchJob job) {
  return Launch(site_, &here_, std::move(job));
}

LaunchThreads::Group* LaunchThreads::GroupFor(const internal::LaunchPlan& plan) {
  absl::MutexLock lock(&mutex_);
  if (usual_ != nullptr && Suits(usual_->bounding, usual_->seccomp, plan)) return usual_.get();
  // Before Prepare, so by a thread that has not taken on anything yet.
  if (full_ == nullptr) full_ = StartGroup(kAllCapabilities, "");
  return full_.get();
}

void LaunchThreads::Submit(LaunchJob job, Done done) {
  Group* group = GroupFor(job.plan);
  absl::MutexLock lock(&group->mutex);
  group->queue.push_back({std::move(job), std::move(done)});
}

void LaunchThreads::Run(Group* group) {
  LaunchThread thread;
  TakeOn(group->bounding, group->seccomp, &thread);
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
