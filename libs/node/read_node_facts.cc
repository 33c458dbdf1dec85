#include "libs/node/read_node_facts.h"

#include <errno.h>
#include <sys/resource.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/node/fingerprint.h"
#include "libs/node/host_root.h"
#include "libs/node/kernel_features.h"
#include "libs/node/read_cgroup_facts.h"

namespace cloister::node {
namespace {

// More than any kernel can have; a guard for the sum.
constexpr int kMaxCpus = 1 << 20;
constexpr size_t kMaxEtcFileBytes = 16 << 10;

// What this process lacks (a container's root without sys_resource, say) no task of it can have.
capability::CapabilitySet OwnBoundingSet(const HostRoot& root) {
  const std::string status = root.ReadText("/proc/self/status").value_or("");
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    uint64_t bits = 0;
    if (absl::ConsumePrefix(&line, "CapBnd:") &&
        absl::SimpleHexAtoi(absl::StripAsciiWhitespace(line), &bits)) {
      return capability::CapabilitySet::FromBits(bits);
    }
  }
  return capability::CapabilitySet::AllNamed();
}

absl::StatusOr<capability::CapabilitySet> ReadCapabilities(const HostRoot& root) {
  const std::string path = "/proc/sys/kernel/cap_last_cap";
  CLOISTER_ASSIGN_OR_RETURN(const std::string text, root.ReadLine(path));
  int last = 0;
  if (!absl::SimpleAtoi(text, &last) || last < 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a number: '", text, "'"));
  }
  return capability::CapabilitySet::UpTo(last) & capability::CapabilitySet::AllNamed() &
         OwnBoundingSet(root);
}

// A kernel without core dumps has no such file.
std::string ReadCrashHandler(const HostRoot& root) {
  const absl::StatusOr<std::string> pattern = root.ReadLine("/proc/sys/kernel/core_pattern");
  if (!pattern.ok() || !absl::StartsWith(*pattern, "|")) return "";
  const absl::string_view command = absl::string_view(*pattern).substr(1);
  return std::string(command.substr(0, command.find(' ')));
}

absl::StatusOr<uint64_t> ReadMaxOpenFiles(const HostRoot& root) {
  const std::string path = "/proc/sys/fs/file-max";
  CLOISTER_ASSIGN_OR_RETURN(const std::string text, root.ReadLine(path));
  uint64_t files = 0;
  if (absl::SimpleAtoi(text, &files)) return files;
  return absl::InvalidArgumentError(absl::StrCat(path, ": not a number: '", text, "'"));
}

absl::Status ReadMachine(const HostRoot& root, NodeFacts* facts) {
  CLOISTER_ASSIGN_OR_RETURN(facts->kernel_release, root.ReadLine("/proc/sys/kernel/osrelease"));
  CLOISTER_ASSIGN_OR_RETURN(facts->boot_id, root.ReadLine("/proc/sys/kernel/random/boot_id"));
  CLOISTER_ASSIGN_OR_RETURN(facts->hostname, root.ReadLine("/proc/sys/kernel/hostname"));
  facts->crash_handler = ReadCrashHandler(root);
  CLOISTER_ASSIGN_OR_RETURN(facts->max_open_files, ReadMaxOpenFiles(root));
  CLOISTER_ASSIGN_OR_RETURN(const std::string meminfo, root.ReadText("/proc/meminfo"));
  CLOISTER_ASSIGN_OR_RETURN(facts->memory_bytes, ParseMemTotal(meminfo));
  CLOISTER_ASSIGN_OR_RETURN(const std::string cpus,
                            root.ReadLine("/sys/devices/system/cpu/online"));
  CLOISTER_ASSIGN_OR_RETURN(facts->cpus, CountCpus(cpus));
  return absl::OkStatus();
}

absl::Status ReadPaths(const HostRoot& root, const NodePolicy& policy, NodeFacts* facts) {
  for (const ChrootEntry& entry : policy.chroot_entries) {
    CLOISTER_ASSIGN_OR_RETURN(HostPath found, root.LookAt(entry.outside));
    facts->chroot_sources.push_back(std::move(found));
  }
  for (const HostVolume& volume : policy.host_volumes) {
    CLOISTER_ASSIGN_OR_RETURN(HostPath found, root.LookAt(volume.path));
    facts->volume_sources.push_back(std::move(found));
  }
  for (const auto* paths : {&policy.read_only_paths, &policy.hidden_paths}) {
    for (const std::string& path : *paths) {
      CLOISTER_ASSIGN_OR_RETURN(HostPath found, root.LookAt(path));
      facts->mask_targets.push_back(std::move(found));
    }
  }
  return absl::OkStatus();
}

// Where the node has what is at `inside` in the roots of tasks, by the entries' paths alone.
std::string OutsideOf(const std::string& inside, const NodePolicy& policy) {
  for (const ChrootEntry& entry : policy.chroot_entries) {
    if (!IsBeneath(inside, entry.inside)) continue;
    return absl::StrCat(entry.outside, inside.substr(entry.inside.size()));
  }
  return inside;
}

// For tasks that have such a file made after it. It is in each of their plans.
std::string ReadSmall(const HostRoot& root, const HostPath& file) {
  if (file.kind != HostPath::Kind::kFile) return "";
  absl::StatusOr<std::string> text = root.ReadText(file.path);
  return text.ok() && text->size() <= kMaxEtcFileBytes ? *std::move(text) : "";
}

absl::Status ReadEtcFiles(const HostRoot& root, const NodePolicy& policy, NodeFacts* facts) {
  for (const char* inside : kGeneratedFiles) {
    CLOISTER_ASSIGN_OR_RETURN(HostPath found, root.LookAt(OutsideOf(inside, policy)));
    facts->etc_files.push_back(std::move(found));
  }
  facts->hosts_text = ReadSmall(root, facts->etc_files.front());
  facts->resolv_conf_text = ReadSmall(root, facts->etc_files.back());
  return absl::OkStatus();
}

absl::Status ReadDevices(const HostRoot& root, const NodePolicy& policy, NodeFacts* facts) {
  for (const auto& allowed : policy.allowed_devices) {
    CLOISTER_ASSIGN_OR_RETURN(HostDevice found, root.LookAtDevice(allowed.first));
    facts->devices.push_back(std::move(found));
  }
  return absl::OkStatus();
}

absl::Status ReadHardLimits(NodeFacts* facts) {
  for (size_t resource = 0; resource < facts->hard_limits.size(); ++resource) {
    struct rlimit limit;
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) {
      return ErrnoStatus(errno, absl::StrCat("getrlimit ", resource));
    }
    facts->hard_limits[resource] = limit.rlim_max;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> ParseMemTotal(absl::string_view meminfo) {
  for (absl::string_view line : absl::StrSplit(meminfo, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:")) continue;
    uint64_t kib = 0;
    if (absl::ConsumeSuffix(&line, " kB") && absl::SimpleAtoi(line, &kib) &&
        kib <= UINT64_MAX >> 10) {
      return kib << 10;
    }
    return absl::InvalidArgumentError(absl::StrCat("/proc/meminfo: MemTotal is '", line, "'"));
  }
  return absl::InvalidArgumentError("/proc/meminfo: there is no MemTotal");
}

absl::StatusOr<int> CountCpus(absl::string_view list) {
  int count = 0;
  for (absl::string_view range : absl::StrSplit(list, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(range, '-');
    int first = 0;
    int last = 0;
    if (ends.size() > 2 || !absl::SimpleAtoi(ends.front(), &first) ||
        !absl::SimpleAtoi(ends.back(), &last) || first < 0 || last < first || last >= kMaxCpus) {
      return absl::InvalidArgumentError(absl::StrCat("not a list of processors: '", list, "'"));
    }
    count += last - first + 1;
    if (count > kMaxCpus) {
      return absl::InvalidArgumentError(absl::StrCat("not a list of processors: '", list, "'"));
    }
  }
  return count;
}

absl::StatusOr<NodeFacts> ReadNodeFacts(const std::string& root, const NodePolicy& policy) {
  CLOISTER_ASSIGN_OR_RETURN(const HostRoot host, HostRoot::Open(root));
  NodeFacts facts;
  CLOISTER_RETURN_IF_ERROR(ReadMachine(host, &facts));
  CLOISTER_ASSIGN_OR_RETURN(facts.cgroups, ReadCgroupFacts(host));
  CLOISTER_ASSIGN_OR_RETURN(facts.capabilities, ReadCapabilities(host));
  CLOISTER_RETURN_IF_ERROR(ReadPaths(host, policy, &facts));
  CLOISTER_RETURN_IF_ERROR(ReadEtcFiles(host, policy, &facts));
  CLOISTER_RETURN_IF_ERROR(ReadDevices(host, policy, &facts));
  CLOISTER_RETURN_IF_ERROR(ReadHardLimits(&facts));
  facts.features = TryKernelFeatures();
  facts.classic_mounts = LacksMountCalls(facts.features);
  const KernelAnswers kernel = AskKernel();
  facts.attributes = ReadFingerprint(host, facts, kernel);
  facts.landlock_abi = kernel.landlock_abi;
  if (BpfFiltersDevices()) facts.device_filter = DeviceFilter::kBpf;
  facts.tmpfs_noswap = TmpfsKnowsNoswap();
  return facts;
}

}  // namespace cloister::node
