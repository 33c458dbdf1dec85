#include "libs/task/parse_volume_mounts.h"

#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/task/mount_destination.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxNameBytes = 128;

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
  std::vector<TakenPlace> taken;
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
    if (!mount.destination.empty()) CheckPlace(place, mount.destination, taken, violations);
    taken.push_back({mount.destination, "volume_mount"});
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
