#include "libs/task/parse_volume_mounts.h"

#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/lexical_path.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL

// Every root has these of its own; a volume on one would hide it. (Beneath /local, /tmp and /alloc
// there is room.)
constexpr absl::string_view kTaken[] = {"/alloc", "/alloc/data", "/alloc/tmp", "/local", "/tmp"};
// The kernel's and the node's, or closed for another reason: nothing is mounted in there.
constexpr absl::string_view kClosed[] = {"/alloc/logs", "/dev", "/proc", "/secrets", "/sys"};

bool IsName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  for (char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.' && c != '-') {
      return false;
    }
  }
  return absl::ascii_isalnum(static_cast<unsigned char>(name[0])) != 0;
}

void CheckVolumeName(const std::string& field, const std::string& name, Violations* violations) {
  if (IsName(name)) return;
  violations->Add(field, "must be 1 to 128 characters of [A-Za-z0-9_.-], the first a letter or ",
                  "digit, but is '", Shown(name), "'");
}

std::map<std::string, const v1::Volume*> ParseVolumes(const v1::TaskConfig& config,
                                                      Violations* violations) {
  std::map<std::string, const v1::Volume*> volumes;
  if (config.volumes_size() > kMaxVolumes) {
    violations->Add("volumes", "has ", config.volumes_size(), " entries, at most ", kMaxVolumes);
    return volumes;
  }
  for (int i = 0; i < config.volumes_size(); ++i) {
    const v1::Volume& volume = config.volumes(i);
    const std::string field = absl::StrCat("volumes[", i, "]");
    CheckVolumeName(absl::StrCat(field, ".name"), volume.name(), violations);
    if (!volume.type().empty() && volume.type() != "host") {
      violations->Add(absl::StrCat(field, ".type"), "must be \"host\" but is '",
                      Shown(volume.type()), "'");
    }
    if (!volume.source().empty()) {
      CheckVolumeName(absl::StrCat(field, ".source"), volume.source(), violations);
    }
    if (!volumes.emplace(volume.name(), &volume).second) {
      violations->Add(absl::StrCat(field, ".name"), "another volume is named '",
                      Shown(volume.name()), "', too");
    }
  }
  return volumes;
}

// Clean and absolute; empty if it is refused.
std::string ParseDestination(const std::string& field, const std::string& text,
                             Violations* violations) {
  if (text.empty()) {
    violations->Add(field, "must be provided");
  } else if (HasNul(text)) {
    violations->Add(field, "must not contain NUL");
  } else if (text.size() >= kMaxPathBytes) {
    violations->Add(field, "has ", text.size(), " bytes, at most ", kMaxPathBytes - 1, " fit");
  } else {
    for (absl::string_view part : absl::StrSplit(text, '/')) {
      if (part == "..") {
        violations->Add(field, "must not contain '..'");
        return "";
      }
      if (part.size() > 255) {
        violations->Add(field, "has a name of ", part.size(), " bytes, at most 255 fit");
        return "";
      }
    }
    return CleanPath(absl::StrCat("/", text));
  }
  return "";
}

void CheckPlace(const std::string& field, const std::string& path,
                const std::vector<VolumeMount>& others, Violations* violations) {
  if (path == "/") violations->Add(field, "'/' is the task's root: choose a directory in it");
  for (absl::string_view taken : kTaken) {
    if (path != taken) continue;
    violations->Add(field, "'", taken, "' is a directory that every task has of its own");
  }
  for (absl::string_view closed : kClosed) {
    if (!IsBeneath(path, closed)) continue;
    violations->Add(field, "nothing can be mounted in '", closed, "'");
  }
  for (const VolumeMount& other : others) {
    if (path == "/" || other.destination.empty() || other.destination == "/") continue;
    if (path == other.destination) {
      violations->Add(field, "another volume_mount has the destination '", Shown(path), "', too");
    } else if (IsBeneath(path, other.destination) || IsBeneath(other.destination, path)) {
      violations->Add(field, "'", Shown(path), "' and '", Shown(other.destination),
                      "' of another volume_mount: one lies in the other");
    }
  }
}

Propagation ParsePropagation(const std::string& field, const std::string& text,
                             Violations* violations) {
  if (text.empty() || text == "private") return Propagation::kPrivate;
  if (text == "host-to-task") return Propagation::kHostToTask;
  if (text == "bidirectional") return Propagation::kBidirectional;
  violations->Add(field, "must be \"private\", \"host-to-task\" or \"bidirectional\" but is '",
                  Shown(text), "'");
  return Propagation::kPrivate;
}

}  // namespace

std::vector<VolumeMount> ParseVolumeMounts(const v1::TaskConfig& config, Violations* violations) {
  const std::map<std::string, const v1::Volume*> volumes = ParseVolumes(config, violations);
  std::vector<VolumeMount> mounts;
  if (config.volume_mounts_size() > kMaxVolumes) {
    violations->Add("volume_mounts", "has ", config.volume_mounts_size(), " entries, at most ",
                    kMaxVolumes);
    return mounts;
  }
  for (int i = 0; i < config.volume_mounts_size(); ++i) {
    const v1::VolumeMount& asked = config.volume_mounts(i);
    const std::string field = absl::StrCat("volume_mounts[", i, "]");
    VolumeMount mount;
    mount.read_only = asked.read_only();
    const auto volume = volumes.find(asked.volume());
    if (volume == volumes.end()) {
      violations->Add(absl::StrCat(field, ".volume"), "no volume of the task is named '",
                      Shown(asked.volume()), "'");
    } else {
      const std::string& source = volume->second->source();
      mount.source = source.empty() ? asked.volume() : source;
      mount.read_only = mount.read_only || volume->second->read_only();
    }
    const std::string place = absl::StrCat(field, ".destination");
    mount.destination = ParseDestination(place, asked.destination(), violations);
    if (!mount.destination.empty()) CheckPlace(place, mount.destination, mounts, violations);
    mount.propagation = ParsePropagation(absl::StrCat(field, ".propagation_mode"),
                                         asked.propagation_mode(), violations);
    if (mount.propagation == Propagation::kBidirectional && mount.read_only) {
      violations->Add(absl::StrCat(field, ".propagation_mode"),
                      "\"bidirectional\" and read_only exclude each other");
    }
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace cloister::task
