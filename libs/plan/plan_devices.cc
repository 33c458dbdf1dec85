#include "libs/plan/plan_devices.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_macros.h"
#include "libs/task/parse_devices.h"

namespace cloister::plan {
namespace {

using internal::DevicePlan;

std::string Shown(const std::string& path) {
  return absl::StrCat("'", absl::CHexEscape(path), "'");
}

absl::Status Unavailable(const std::string& sentence) {
  return WithReason(absl::FailedPreconditionError(sentence), "DEVICE_UNAVAILABLE");
}

absl::Status CheckAllowed(const std::string& field, const task::Device& device,
                          const node::NodePolicy& policy) {
  const auto allowed = policy.allowed_devices.find(device.host_path);
  std::string why;
  if (allowed == policy.allowed_devices.end()) {
    why = "is not among this node's allowed_devices";
  } else if ((device.access & ~allowed->second) != 0) {
    why = absl::StrCat("is allowed with \"", task::DeviceAccessText(allowed->second),
                       "\" on this node, not with \"", task::DeviceAccessText(device.access), "\"");
  }
  if (why.empty()) return absl::OkStatus();
  return WithReason(
      absl::PermissionDeniedError(absl::StrCat(field, ": ", Shown(device.host_path), " ", why)),
      "DEVICE_NOT_ALLOWED");
}

const node::HostDevice* Find(const std::string& path, const node::NodeFacts& facts) {
  for (const node::HostDevice& device : facts.devices) {
    if (device.path == path && device.exists) return &device;
  }
  return nullptr;
}

void AddDevice(const task::Device& asked, const node::HostDevice& found, uint32_t access,
               DevicePlan* plan, internal::RootTemplate* root) {
  DevicePlan::Rule* rule = plan->add_rules();
  rule->set_block(found.block);
  rule->set_major(found.major);
  rule->set_minor(found.minor);
  rule->set_access(access);
  internal::RootTemplate::Device* device = root->add_devices();
  device->set_outside(found.resolved);
  device->set_inside(asked.task_path);
  device->set_block(found.block);
  device->set_major(found.major);
  device->set_minor(found.minor);
}

bool HasUnified(const internal::CgroupPlan& cgroup) {
  return std::any_of(cgroup.hierarchies().begin(), cgroup.hierarchies().end(),
                     [](const auto& hierarchy) { return hierarchy.unified(); });
}

internal::CgroupPlan::Hierarchy* FindController(internal::CgroupPlan* cgroup) {
  for (auto& hierarchy : *cgroup->mutable_hierarchies()) {
    const auto& names = hierarchy.controllers();
    if (std::find(names.begin(), names.end(), "devices") != names.end()) return &hierarchy;
  }
  return nullptr;
}

// What libs/launch/device_program.cc lets every task do.
constexpr const char* kStandard[] = {"c 1:3 rw", "c 1:5 rw", "c 1:7 rw", "c 1:8 rw",
                                     "c 1:9 rw", "c 5:0 rw", "c 5:2 rw", "c 136:* rw"};

// In order: nothing, and then what is allowed. (Documentation/admin-guide/cgroup-v1/devices.rst.)
void AddWrites(const DevicePlan& plan, internal::CgroupPlan::Hierarchy* hierarchy) {
  const auto write = [hierarchy](const char* file, const std::string& value) {
    internal::CgroupPlan::Write* added = hierarchy->add_limits();
    added->set_file(file);
    added->set_value(value);
  };
  write("devices.deny", "a");
  for (const char* standard : kStandard) write("devices.allow", standard);
  for (const DevicePlan::Rule& rule : plan.rules()) {
    write("devices.allow", absl::StrCat(rule.block() ? "b " : "c ", rule.major(), ":", rule.minor(),
                                        " ", task::DeviceAccessText(rule.access())));
  }
}

}  // namespace

absl::StatusOr<DevicePlan> PlanDevices(const std::vector<task::Device>& asked,
                                       const node::NodeFacts& facts, const node::NodePolicy& policy,
                                       internal::CgroupPlan* cgroup, internal::RootTemplate* root) {
  DevicePlan plan;
  internal::CgroupPlan::Hierarchy* controller = FindController(cgroup);
  if (facts.device_filter == node::DeviceFilter::kBpf && HasUnified(*cgroup)) {
    plan.set_filter(DevicePlan::FILTER_BPF);
  } else if (controller != nullptr) {
    plan.set_filter(DevicePlan::FILTER_CONTROLLER);
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    CLOISTER_RETURN_IF_ERROR(
        CheckAllowed(absl::StrCat("config.devices[", i, "]"), asked[i], policy));
    if (plan.filter() == DevicePlan::FILTER_UNSPECIFIED) {
      return Unavailable(
          "devices need what holds a task to what it may do with them, a cgroup v2 hierarchy and "
          "BPF, or the devices controller of v1, and this node has neither");
    }
    const node::HostDevice* found = Find(asked[i].host_path, facts);
    if (found == nullptr) {
      return Unavailable(absl::StrCat("device ", Shown(asked[i].host_path),
                                      " was not there when this node's executor started"));
    }
    const uint32_t access =
        asked[i].access != 0 ? asked[i].access : policy.allowed_devices.at(asked[i].host_path);
    AddDevice(asked[i], *found, access, &plan, root);
  }
  if (plan.filter() == DevicePlan::FILTER_CONTROLLER) AddWrites(plan, controller);
  return plan;
}

std::string DeviceFilterWords(const DevicePlan& devices) {
  if (devices.filter() == DevicePlan::FILTER_CONTROLLER) return "v1";
  return devices.filter() == DevicePlan::FILTER_BPF ? "bpf" : "none";
}

std::vector<std::string> DeviceWords(const internal::LaunchPlan& plan) {
  std::vector<std::string> words;
  for (int i = 0; i < plan.root().devices_size() && i < plan.devices().rules_size(); ++i) {
    words.push_back(absl::StrCat(plan.root().devices(i).inside(), " ",
                                 task::DeviceAccessText(plan.devices().rules(i).access())));
  }
  return words;
}

}  // namespace cloister::plan
