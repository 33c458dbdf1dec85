#include "libs/task/parse_task_mounts.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/lexical_path.h"
#include "libs/task/mount_destination.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL
constexpr int64_t kLeastTmpfsBytes = 4096;
constexpr uint64_t kDefaultMemoryBytes = uint64_t{300} << 20;
constexpr uint32_t kDefaultTmpfsMode = 01777;
constexpr absl::string_view kOwnDirectories[] = {"/alloc", "/local", "/tmp"};

// Also what is left out of a valid configuration: then it is checked elsewhere.
uint64_t MemoryBytes(const v1::TaskConfig& config) {
  const int64_t mib = config.resources().memory();
  return mib <= 0 ? kDefaultMemoryBytes : static_cast<uint64_t>(mib) << 20;
}

void CheckSource(const std::string& field, const std::string& source, Violations* violations) {
  if (source.empty()) {
    violations->Add(field, "must be provided");
  } else if (HasNul(source)) {
    violations->Add(field, "must not contain NUL");
  } else if (source.size() > kMaxPathBytes || source[0] != '/' || CleanPath(source) != source) {
    violations->Add(field, "must be an absolute clean path but is '", Shown(source), "'");
  } else if (source == "/") {
    violations->Add(field, "'/' is the whole node: name a directory");
  }
}

// chmod(1)'s octal, without set-id bits: the mount is nosuid anyway.
uint32_t ParseFileMode(const std::string& field, const std::string& text, Violations* violations) {
  uint32_t mode = 0;
  bool good = !text.empty() && text.size() <= 4;
  for (char c : text) {
    good = good && c >= '0' && c <= '7';
    mode = mode * 8 + static_cast<uint32_t>(c - '0');
  }
  if (text.empty()) return kDefaultTmpfsMode;
  if (good && mode <= 01777) return mode;
  violations->Add(field, "must be octal, \"0\" to \"1777\", but is '", Shown(text), "'");
  return 0;
}

void ParseTmpfs(const std::string& field, const v1::TaskMount& asked, uint64_t memory,
                TaskMount* mount, Violations* violations) {
  mount->mode = ParseFileMode(absl::StrCat(field, ".mode"), asked.mode(), violations);
  mount->size_bytes = asked.size() == 0 ? memory / 4 : static_cast<uint64_t>(asked.size());
  if (asked.size() == 0) return;
  if (asked.size() < kLeastTmpfsBytes || mount->size_bytes > memory) {
    violations->Add(absl::StrCat(field, ".size"), "must be from ", kLeastTmpfsBytes, " to ", memory,
                    " bytes (resources.memory) but is ", asked.size());
  }
}

// What belongs to another type than the one that is asked for: it would not be done.
void CheckUnused(const std::string& field, const v1::TaskMount& asked, Violations* violations) {
  const auto refuse = [&](absl::string_view name) {
    violations->Add(absl::StrCat(field, ".", name), "is not for type '", Shown(asked.type()), "'");
  };
  if (asked.type() != "bind" && !asked.source().empty()) refuse("source");
  if (asked.type() != "tmpfs" && asked.size() != 0) refuse("size");
  if (asked.type() != "tmpfs" && !asked.mode().empty()) refuse("mode");
  if (asked.type() == "own" && asked.noexec()) refuse("noexec");
}

void CheckOwn(const std::string& field, const TaskMount& mount,
              const std::vector<TaskMount>& others, Violations* violations) {
  const auto own = std::find(std::begin(kOwnDirectories), std::end(kOwnDirectories),
                             absl::string_view(mount.destination));
  if (own == std::end(kOwnDirectories)) {
    violations->Add(field, "must be \"/alloc\", \"/local\" or \"/tmp\" but is '",
                    Shown(mount.destination), "'");
  }
  for (const TaskMount& other : others) {
    if (other.destination != mount.destination) continue;
    violations->Add(field, "another mount has the destination '", Shown(mount.destination),
                    "', too");
  }
}

bool ParseType(const std::string& field, const std::string& text, TaskMount* mount,
               Violations* violations) {
  if (text == "bind") {
    mount->type = TaskMount::Type::kBind;
  } else if (text == "tmpfs") {
    mount->type = TaskMount::Type::kTmpfs;
  } else if (text == "own") {
    mount->type = TaskMount::Type::kOwn;
  } else {
    violations->Add(field, "must be \"bind\", \"tmpfs\" or \"own\" but is '", Shown(text), "'");
    return false;
  }
  return true;
}

}  // namespace

std::vector<TaskMount> ParseTaskMounts(const v1::TaskConfig& config,
                                       const std::vector<VolumeMount>& volume_mounts,
                                       Violations* violations) {
  std::vector<TaskMount> mounts;
  if (config.config().mounts_size() > kMaxTaskMounts) {
    violations->Add("config.mounts", "has ", config.config().mounts_size(), " entries, at most ",
                    kMaxTaskMounts);
    return mounts;
  }
  std::vector<TakenPlace> taken;
  for (const VolumeMount& volume : volume_mounts) {
    taken.push_back({volume.destination, "volume_mount"});
  }
  for (int i = 0; i < config.config().mounts_size(); ++i) {
    const v1::TaskMount& asked = config.config().mounts(i);
    const std::string field = absl::StrCat("config.mounts[", i, "]");
    TaskMount mount;
    if (!ParseType(absl::StrCat(field, ".type"), asked.type(), &mount, violations)) continue;
    CheckUnused(field, asked, violations);
    mount.read_only = asked.read_only() || mount.type == TaskMount::Type::kOwn;
    mount.noexec = asked.noexec();
    const std::string place = absl::StrCat(field, ".destination");
    mount.destination = ParseDestination(place, asked.destination(), violations);
    if (mount.type == TaskMount::Type::kOwn) {
      if (!mount.destination.empty()) CheckOwn(place, mount, mounts, violations);
    } else {
      if (!mount.destination.empty()) CheckPlace(place, mount.destination, taken, violations);
      taken.push_back({mount.destination, "mount"});
    }
    if (mount.type == TaskMount::Type::kBind) {
      CheckSource(absl::StrCat(field, ".source"), asked.source(), violations);
      mount.source = asked.source();
    }
    if (mount.type == TaskMount::Type::kTmpfs) {
      ParseTmpfs(field, asked, MemoryBytes(config), &mount, violations);
    }
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace cloister::task
