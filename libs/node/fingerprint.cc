#include "libs/node/fingerprint.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/version.h"
#include "libs/node/mountinfo.h"
#include "libs/task/signal_name.h"

namespace cloister::node {
namespace {

constexpr int kStandardSignals = 31;
constexpr uint64_t kKilohertzInMegahertz = 1000;

// As Go and Debian call it; tasks of the exec driver ask by that name.
std::string ArchOf(const std::string& machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine == "i686") return "386";
  return machine;
}

std::string SignalNames() {
  std::set<std::string> names;
  for (int number = 1; number <= kStandardSignals; ++number) names.insert(task::SignalName(number));
  return absl::StrJoin(names, ",");
}

class Collector {
 public:
  Collector(const HostRoot& root, Attributes* attributes) : root_(root), attributes_(attributes) {}

  void Set(absl::string_view name, const std::string& value) {
    if (!value.empty()) (*attributes_)[std::string(name)] = value;
  }
  // Empty if it cannot be read.
  std::string Text(const std::string& path) const { return root_.ReadText(path).value_or(""); }

 private:
  const HostRoot& root_;
  Attributes* const attributes_;
};

void CollectKernel(const NodeFacts& facts, const KernelAnswers& kernel, Collector* out) {
  out->Set("attr.kernel.name", "linux");
  out->Set("attr.kernel.version", facts.kernel_release);
  out->Set("attr.kernel.arch", kernel.machine);
  if (kernel.landlock_abi > 0) {
    out->Set("attr.kernel.landlock", absl::StrCat("v", kernel.landlock_abi));
  }
  for (const KernelFeature& feature : facts.features) {
    if (feature.error_number == 0) out->Set(absl::StrCat("attr.kernel.has.", feature.name), "1");
  }
}

void CollectSystem(const NodeFacts& facts, Collector* out) {
  std::string release = out->Text("/etc/os-release");
  if (release.empty()) release = out->Text("/usr/lib/os-release");
  out->Set("attr.os.name", OsReleaseValue(release, "ID"));
  out->Set("attr.os.version", OsReleaseValue(release, "VERSION_ID"));
  out->Set("attr.os.signals", SignalNames());
  out->Set("attr.unique.hostname", facts.hostname);
  out->Set("attr.memory.totalbytes", absl::StrCat(facts.memory_bytes));
  out->Set("attr.driver.exec", "1");
  out->Set("attr.cloister.version", kVersion);
}

// In MHz; 0 where the node does not tell, as many virtual machines of other processors than x86.
uint64_t Megahertz(const std::string& cpuinfo, const Collector& out) {
  for (const char* file : {"base_frequency", "cpuinfo_max_freq"}) {
    const std::string text = out.Text(absl::StrCat("/sys/devices/system/cpu/cpu0/cpufreq/", file));
    uint64_t kilohertz = 0;
    if (absl::SimpleAtoi(text, &kilohertz) && kilohertz > 0) {
      return kilohertz / kKilohertzInMegahertz;
    }
  }
  double megahertz = 0;
  if (!absl::SimpleAtod(CpuInfoValue(cpuinfo, "cpu MHz"), &megahertz)) return 0;
  return megahertz > 0 && megahertz < 1e6 ? static_cast<uint64_t>(std::lround(megahertz)) : 0;
}

void CollectProcessors(const NodeFacts& facts, const KernelAnswers& kernel, Collector* out) {
  const std::string cpuinfo = out->Text("/proc/cpuinfo");
  out->Set("attr.cpu.arch", ArchOf(kernel.machine));
  out->Set("attr.cpu.numcores", absl::StrCat(facts.cpus));
  out->Set("attr.cpu.modelname", CpuInfoValue(cpuinfo, "model name"));
  const uint64_t megahertz = Megahertz(cpuinfo, *out);
  if (megahertz == 0) return;
  out->Set("attr.cpu.frequency", absl::StrCat(megahertz));
  out->Set("attr.cpu.totalcompute", absl::StrCat(megahertz * static_cast<uint64_t>(facts.cpus)));
}

void CollectCgroups(const CgroupFacts& cgroups, Collector* out) {
  if (cgroups.layout == CgroupLayout::kNone) return;
  // A node with both is one of v1 to those who ask: its limits are there.
  const bool unified = cgroups.layout == CgroupLayout::kV2;
  out->Set("attr.os.cgroups.version", unified ? "2" : "1");
  out->Set("attr.unique.cgroup.version", unified ? "v2" : "v1");
  for (const CgroupHierarchy& hierarchy : cgroups.hierarchies) {
    if (hierarchy.unified != unified) continue;
    const size_t slash = hierarchy.mount_point.rfind('/');
    out->Set("attr.unique.cgroup.mountpoint",
             unified ? hierarchy.mount_point : hierarchy.mount_point.substr(0, slash));
  }
}

}  // namespace

KernelAnswers AskKernel() {
  KernelAnswers answers;
  struct utsname name;
  if (uname(&name) == 0) answers.machine = name.machine;
  const int64_t abi =
      syscall(SYS_landlock_create_ruleset, nullptr, size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi > 0) answers.landlock_abi = static_cast<int>(abi);
  return answers;
}

Attributes ReadFingerprint(const HostRoot& root, const NodeFacts& facts,
                           const KernelAnswers& kernel) {
  Attributes attributes;
  Collector out(root, &attributes);
  CollectKernel(facts, kernel, &out);
  CollectSystem(facts, &out);
  CollectProcessors(facts, kernel, &out);
  CollectCgroups(facts.cgroups, &out);
  return attributes;
}

absl::StatusOr<Attributes> ReadStorage(const std::string& directory) {
  struct statvfs storage;
  if (statvfs(directory.c_str(), &storage) != 0) return ErrnoStatus(errno, directory);
  const uint64_t block = storage.f_frsize;
  Attributes attributes;
  attributes["attr.unique.storage.bytestotal"] = absl::StrCat(storage.f_blocks * block);
  attributes["attr.unique.storage.bytesfree"] = absl::StrCat(storage.f_bavail * block);
  const absl::StatusOr<HostRoot> root = HostRoot::Open("/");
  if (!root.ok()) return root.status();
  const std::string source =
      MountSource(root->ReadText("/proc/self/mountinfo").value_or(""), directory);
  if (!source.empty()) attributes["attr.unique.storage.volume"] = source;
  return attributes;
}

Attributes NodeAttributes(const NodeLabels& labels, const std::string& node_id) {
  Attributes attributes = {{"node.unique.id", node_id},
                           {"node.unique.name", node_id},
                           {"node.datacenter", labels.datacenter},
                           {"node.region", labels.region},
                           {"node.class", labels.node_class},
                           {"node.pool", labels.pool}};
  for (const auto& [key, value] : labels.meta) attributes[absl::StrCat("meta.", key)] = value;
  return attributes;
}

std::string OsReleaseValue(absl::string_view text, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, name) || !absl::ConsumePrefix(&line, "=")) continue;
    for (const char* quote : {"\"", "'"}) {
      if (absl::ConsumePrefix(&line, quote)) absl::ConsumeSuffix(&line, quote);
    }
    return std::string(line);
  }
  return "";
}

std::string CpuInfoValue(absl::string_view text, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) != name) continue;
    return std::string(absl::StripAsciiWhitespace(parts.second));
  }
  return "";
}

std::string MountSource(absl::string_view mountinfo, absl::string_view path) {
  const absl::StatusOr<std::vector<MountEntry>> mounts = ParseMountInfo(mountinfo);
  if (!mounts.ok()) return "";
  const MountEntry* nearest = nullptr;
  const std::vector<MountEntry> reachable = ReachableMounts(*mounts);
  for (const MountEntry& mount : reachable) {
    if (!IsBeneath(path, mount.mount_point)) continue;
    if (nearest == nullptr || mount.mount_point.size() >= nearest->mount_point.size()) {
      nearest = &mount;
    }
  }
  if (nearest == nullptr) return "";
  for (absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    if (!absl::ConsumePrefix(&line, absl::StrCat(nearest->id, " "))) continue;
    // "... - type source options"
    const size_t dash = line.find(" - ");
    const std::vector<std::string> fields = absl::StrSplit(line.substr(dash + 3), ' ');
    return dash == absl::string_view::npos || fields.size() < 2 ? "" : fields[1];
  }
  return "";
}

}  // namespace cloister::node
