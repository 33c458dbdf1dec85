#include "libs/task/parse_devices.h"

#include <linux/bpf.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/lexical_path.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL

// What every /dev has, or keeps for itself.
constexpr absl::string_view kTaken[] = {"/dev/.empty", "/dev/fd",      "/dev/full",  "/dev/mqueue",
                                        "/dev/null",   "/dev/ptmx",    "/dev/pts",   "/dev/random",
                                        "/dev/shm",    "/dev/stderr",  "/dev/stdin", "/dev/stdout",
                                        "/dev/tty",    "/dev/urandom", "/dev/zero"};

bool IsPath(const std::string& path) {
  return !HasNul(path) && path.size() <= kMaxPathBytes && absl::StartsWith(path, "/") &&
         CleanPath(path) == path && path != "/";
}

void CheckTaskPath(const std::string& field, const std::string& path,
                   const std::vector<Device>& others, Violations* violations) {
  if (!IsPath(path) || !IsBeneath(path, "/dev") || path == "/dev") {
    violations->Add(field, "must be a clean path beneath /dev but is '", Shown(path), "'");
    return;
  }
  for (absl::string_view taken : kTaken) {
    if (!IsBeneath(path, taken)) continue;
    violations->Add(field, "'", taken, "' is in every task's /dev");
  }
  for (const Device& other : others) {
    if (!IsBeneath(path, other.task_path) && !IsBeneath(other.task_path, path)) continue;
    violations->Add(field, "'", Shown(path), "' and '", Shown(other.task_path),
                    "' of another device: one is or lies in the other");
  }
}

}  // namespace

absl::optional<uint32_t> ParseDeviceAccess(absl::string_view text) {
  uint32_t access = 0;
  for (char c : text) {
    const uint32_t bit = c == 'r'   ? BPF_DEVCG_ACC_READ
                         : c == 'w' ? BPF_DEVCG_ACC_WRITE
                         : c == 'm' ? BPF_DEVCG_ACC_MKNOD
                                    : 0;
    if (bit == 0 || (access & bit) != 0) return absl::nullopt;
    access |= bit;
  }
  return access;
}

std::string DeviceAccessText(uint32_t access) {
  return absl::StrCat((access & BPF_DEVCG_ACC_READ) != 0 ? "r" : "",
                      (access & BPF_DEVCG_ACC_WRITE) != 0 ? "w" : "",
                      (access & BPF_DEVCG_ACC_MKNOD) != 0 ? "m" : "");
}

std::vector<Device> ParseDevices(const v1::TaskConfig& config, Violations* violations) {
  std::vector<Device> devices;
  if (config.config().devices_size() > kMaxDevices) {
    violations->Add("config.devices", "has ", config.config().devices_size(), " entries, at most ",
                    kMaxDevices);
    return devices;
  }
  for (int i = 0; i < config.config().devices_size(); ++i) {
    const v1::Device& asked = config.config().devices(i);
    const std::string field = absl::StrCat("config.devices[", i, "]");
    Device device;
    device.host_path = asked.host_path();
    device.task_path = asked.task_path().empty() ? asked.host_path() : asked.task_path();
    if (!IsPath(asked.host_path())) {
      violations->Add(absl::StrCat(field, ".host_path"), "must be an absolute clean path but is '",
                      Shown(asked.host_path()), "'");
    } else {
      CheckTaskPath(absl::StrCat(field, ".task_path"), device.task_path, devices, violations);
    }
    const absl::optional<uint32_t> access = ParseDeviceAccess(asked.permissions());
    if (!access) {
      violations->Add(absl::StrCat(field, ".permissions"), "must be of 'r', 'w', 'm' but is '",
                      Shown(asked.permissions()), "'");
    }
    device.access = access.value_or(0);
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace cloister::task
