#include "libs/state/exit_syncer.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "absl/time/time.h"
#include "libs/state/layout.h"
#include "libs/state/record_file.h"

namespace cloister::state {
namespace {

// How long a group is open after its first exit; with the sync itself it stays below 100 ms.
constexpr absl::Duration kGather = absl::Milliseconds(50);

// Has the kernel begin to write all of them, so that the first sync below waits for one transaction
// of the file system that holds them all, and the others find their work done.
void BeginWriting(const std::vector<OwnedFd>& directories) {
  for (const OwnedFd& directory : directories) {
    const OwnedFd record(
        openat(directory.get(), kExitRecord, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (record.valid()) (void)sync_file_range(record.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }
}

absl::Status Sync(const std::vector<OwnedFd>& directories) {
  BeginWriting(directories);
  absl::Status status;
  for (const OwnedFd& directory : directories) {
    absl::Status synced = SyncRecord(directory.get(), kExitRecord);
    // Destroyed meanwhile: nothing is left to be kept.
    if (!absl::IsNotFound(synced)) status.Update(synced);
  }
  // The task directories' own names, which are all in one directory.
  const OwnedFd tasks(openat(directories.back().get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (tasks.valid()) (void)fsync(tasks.get());
  return status;
}

}  // namespace

ExitSyncer::ExitSyncer() : thread_([this] { Run(); }) {}

ExitSyncer::~ExitSyncer() {
  {
    absl::MutexLock lock(&mu_);
    ending_ = true;
  }
  thread_.join();
}

void ExitSyncer::Add(OwnedFd task_directory) {
  absl::MutexLock lock(&mu_);
  waiting_.push_back(std::move(task_directory));
  ++added_;
}

absl::Status ExitSyncer::Flush() {
  absl::MutexLock lock(&mu_);
  const auto synced = [this, all = added_] {
    mu_.AssertHeld();
    return synced_ >= all;
  };
  ++flushing_;
  mu_.Await(absl::Condition(&synced));
  --flushing_;
  return std::exchange(failure_, absl::OkStatus());
}

void ExitSyncer::Run() {
  const auto has_work = [this] {
    mu_.AssertHeld();
    return ending_ || !waiting_.empty();
  };
  const auto is_urgent = [this] {
    mu_.AssertHeld();
    return ending_ || flushing_ > 0;
  };
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(&has_work));
    if (waiting_.empty()) return;
    (void)mu_.AwaitWithTimeout(absl::Condition(&is_urgent), kGather);
    std::vector<OwnedFd> group = std::exchange(waiting_, {});
    mu_.Unlock();
    absl::Status status = Sync(group);
    const uint64_t count = group.size();
    group.clear();
    mu_.Lock();
    synced_ += count;
    failure_.Update(status);
  }
}

}  // namespace cloister::state
