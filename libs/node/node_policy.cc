#include "libs/node/node_policy.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/lexical_path.h"
#include "libs/capability/calculate.h"

namespace cloister::node {

NodePolicy DefaultNodePolicy() {
  NodePolicy policy;
  policy.default_capabilities = capability::kDefaultCapabilities;
  policy.allow_caps.named = capability::kDefaultCapabilities;
  for (const char* path : {"/bin", "/etc", "/lib", "/lib32", "/lib64", "/run/resolvconf",
                           "/run/systemd/resolve", "/sbin", "/usr"}) {
    policy.chroot_entries.push_back({path, path});
  }
  // Docker's and runc's lists. /proc/interrupts: counts of key strokes and disk accesses are a side
  // channel.
  policy.hidden_paths = {"/proc/acpi",
                         "/proc/asound",
                         "/proc/interrupts",
                         "/proc/kcore",
                         "/proc/keys",
                         "/proc/latency_stats",
                         "/proc/sched_debug",
                         "/proc/scsi",
                         "/proc/timer_list",
                         "/proc/timer_stats",
                         "/sys/devices/virtual/powercap",
                         "/sys/firmware"};
  policy.read_only_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                            "/proc/sysrq-trigger"};
  policy.denied_uids = {0};
  policy.cgroup_parent = "cloister.slice";
  return policy;
}

absl::StatusOr<std::vector<ChrootEntry>> ParseChrootEntries(absl::string_view text) {
  std::vector<ChrootEntry> entries;
  for (absl::string_view item : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::vector<std::string> paths = absl::StrSplit(item, ':');
    if (paths.size() > 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("chroot entry '", item, "' is neither PATH nor OUTSIDE:INSIDE"));
    }
    for (const std::string& path : paths) {
      if (path.empty() || path[0] != '/' || CleanPath(path) != path) {
        return absl::InvalidArgumentError(
            absl::StrCat("chroot entry '", item, "': '", path, "' is not an absolute clean path"));
      }
    }
    entries.push_back({paths.front(), paths.back()});
  }
  return entries;
}

}  // namespace cloister::node
