#include "libs/capability/names.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace cloister::capability {
namespace {

// By number. linux/capability.h of an older system lacks the last ones, so they are written out.
constexpr absl::string_view kNames[] = {"chown",
                                        "dac_override",
                                        "dac_read_search",
                                        "fowner",
                                        "fsetid",
                                        "kill",
                                        "setgid",
                                        "setuid",
                                        "setpcap",
                                        "linux_immutable",
                                        "net_bind_service",
                                        "net_broadcast",
                                        "net_admin",
                                        "net_raw",
                                        "ipc_lock",
                                        "ipc_owner",
                                        "sys_module",
                                        "sys_rawio",
                                        "sys_chroot",
                                        "sys_ptrace",
                                        "sys_pacct",
                                        "sys_admin",
                                        "sys_boot",
                                        "sys_nice",
                                        "sys_resource",
                                        "sys_time",
                                        "sys_tty_config",
                                        "mknod",
                                        "lease",
                                        "audit_write",
                                        "audit_control",
                                        "setfcap",
                                        "mac_override",
                                        "mac_admin",
                                        "syslog",
                                        "wake_alarm",
                                        "block_suspend",
                                        "audit_read",
                                        "perfmon",
                                        "bpf",
                                        "checkpoint_restore"};
constexpr int kCount = sizeof(kNames) / sizeof(kNames[0]);
static_assert(kCount == kLastNamed + 1, "every number up to kLastNamed has a name");

constexpr absl::string_view kAll = "all";

}  // namespace

std::string NormaliseName(absl::string_view text) {
  std::string name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  return std::string(absl::StripPrefix(name, "cap_"));
}

absl::optional<int> NumberOf(absl::string_view text) {
  const std::string name = NormaliseName(text);
  const auto* found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) return absl::nullopt;
  return static_cast<int>(found - std::begin(kNames));
}

std::string NameOf(int number) {
  if (number < 0 || number >= kCount) return absl::StrCat(number);
  return std::string(kNames[number]);
}

std::vector<std::string> SortedNames(CapabilitySet set) {
  std::vector<std::string> names;
  for (int number = 0; number < 64; ++number) {
    if (set.Contains(number)) names.push_back(NameOf(number));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string JoinedNames(CapabilitySet set) {
  return set.empty() ? "none" : absl::StrJoin(SortedNames(set), ", ");
}

bool AddName(absl::string_view text, CapabilityList& list) {
  const std::string name = NormaliseName(text);
  if (name.empty()) return true;
  if (name == kAll) {
    list.all = true;
    return true;
  }
  const absl::optional<int> number = NumberOf(name);
  if (!number) return false;
  list.named = list.named | CapabilitySet{*number};
  return true;
}

absl::StatusOr<CapabilityList> ParseCapabilityList(absl::Span<const std::string> names) {
  CapabilityList list;
  std::vector<std::string> unknown;
  for (const std::string& name : names) {
    if (!AddName(name, list)) unknown.push_back(absl::StrCat("'", name, "'"));
  }
  if (!unknown.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a capability: ", absl::StrJoin(unknown, ", ")));
  }
  return list;
}

}  // namespace cloister::capability
