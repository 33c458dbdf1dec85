#include "libs/launch/launch_site.h"

#include <errno.h>
#include <fcntl.h>

#include "libs/base/errno_status.h"
#include "libs/base/status_macros.h"
#include "libs/launch/device_filter.h"
#include "libs/launch/init_program.h"
#include "libs/os/memfd.h"
#include "libs/state/boot_id.h"

namespace cloister {
namespace launch {
namespace {

absl::StatusOr<OwnedFd> OpenHigh(const char* path, int flags) {
  OwnedFd low(open(path, flags | O_CLOEXEC));
  if (!low.valid()) return ErrnoStatus(errno, path);
  OwnedFd high(fcntl(low.get(), F_DUPFD_CLOEXEC, LowFds::first_foreign()));
  if (!high.valid()) return ErrnoStatus(errno, path);
  return high;
}

}  // namespace

LaunchSite::LaunchSite(LaunchSiteOptions options)
    : options_(std::move(options)), lull_(&clock_), namespaces_ahead_(options_.ready_namespaces) {}

absl::StatusOr<std::unique_ptr<LaunchSite>> LaunchSite::Make(LaunchSiteOptions options) {
  std::unique_ptr<LaunchSite> site(new LaunchSite(std::move(options)));
  CLOISTER_ASSIGN_OR_RETURN(site->low_fds_, LowFds::Reserve());
  const absl::string_view program(reinterpret_cast<const char*>(kInitProgram), kInitProgramSize);
  // Execute-only: whoever runs it as an ordinary user cannot read it, so the kernel makes the
  // process non-dumpable from its first instruction on.
  CLOISTER_ASSIGN_OR_RETURN(site->init_, MakeSealedMemfd("cloister-init", program, 0111));
  CLOISTER_ASSIGN_OR_RETURN(site->init_fd_, site->low_fds_->PlaceShared(site->init_.get()));
  CLOISTER_ASSIGN_OR_RETURN(site->null_, OpenHigh("/dev/null", O_RDONLY));
  CLOISTER_ASSIGN_OR_RETURN(site->host_namespace_, OpenHigh("/proc/self/ns/mnt", O_RDONLY));
  CLOISTER_ASSIGN_OR_RETURN(site->boot_id_, state::ReadBootId());
  return site;
}

absl::StatusOr<cgroup::SlotPool*> LaunchSite::PoolFor(const internal::CgroupPlan& plan) {
  if (plan.hierarchies().empty()) return nullptr;
  absl::MutexLock lock(&mutex_);
  for (const auto& pool : pools_) {
    if (pool->Serves(plan)) return pool.get();
  }
  CLOISTER_ASSIGN_OR_RETURN(auto parents, cgroup::OpenSlotParents(plan));
  cgroup::SlotPoolOptions options;
  options.prefix = pools_.empty() ? options_.slot_prefix
                                  : absl::StrCat(options_.slot_prefix, "p", pools_.size());
  options.target = options_.ready_slots;
  options.lull = &lull_;
  pools_.push_back(std::make_unique<cgroup::SlotPool>(parents, options));
  return pools_.back().get();
}

absl::Status LaunchSite::FilterDevices(const cgroup::SlotPool* pool,
                                       const internal::CgroupPlan& cgroup) {
  absl::MutexLock lock(&mutex_);
  if (filtered_.count(pool) > 0) return absl::OkStatus();
  CLOISTER_RETURN_IF_ERROR(AttachDeviceFilter(cgroup, "", internal::DevicePlan()));
  filtered_.insert(pool);
  return absl::OkStatus();
}

void LaunchSite::RemoveReadySlots() {
  absl::MutexLock lock(&mutex_);
  // What does not go in time is swept by the executor.
  for (const auto& pool : pools_) pool->Close(absl::Seconds(2)).IgnoreError();
}

absl::Status LaunchSite::Prepare(const internal::LaunchPlan& plan) {
  CLOISTER_RETURN_IF_ERROR(templates_.Get(plan.root()).status());
  CLOISTER_ASSIGN_OR_RETURN(cgroup::SlotPool * pool, PoolFor(plan.cgroup()));
  return pool == nullptr ? absl::OkStatus() : pool->AwaitReady();
}

}  // namespace launch
}  // namespace cloister
