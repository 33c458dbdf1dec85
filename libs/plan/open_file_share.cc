#include "libs/plan/open_file_share.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace cloister::plan {
namespace {

// The soft limit of every process on Linux: what programs expect without asking.
constexpr uint64_t kLeast = 1024;

// More than any machine has.
constexpr uint64_t kMostMemory = uint64_t{1} << 60;

}  // namespace

OpenFileShare ShareOpenFiles(const node::NodeFacts& facts, const internal::CgroupPlan& cgroup) {
  const uint64_t half = facts.max_open_files / 2;
  const internal::CgroupPlan::Granted& granted = cgroup.granted();
  const bool bounded_by_memory =
      granted.memory_bytes() > 0 && granted.memory_bytes() / node::kLeastBytesOfAnOpenFile <= half;
  // Memory ends before that many are open.
  const bool plenty = half > kMostMemory / node::kLeastBytesOfAnOpenFile;
  if (bounded_by_memory || plenty) return OpenFileShare();
  OpenFileShare share;
  const uint64_t processes = std::max<uint64_t>(1, granted.pids());
  share.per_process = std::max(kLeast, half / processes);
  share.why = absl::StrCat("half of this machine's ", facts.max_open_files, " (fs.file-max)");
  if (granted.pids() > 0) {
    absl::StrAppend(&share.why, " over ", processes,
                    " processes (resources.pids), as resources.memory has room for more");
  }
  return share;
}

}  // namespace cloister::plan
