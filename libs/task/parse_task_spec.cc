#include "libs/task/parse_task_spec.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/lexical_path.h"
#include "libs/task/parse_artifacts.h"
#include "libs/task/parse_devices.h"
#include "libs/task/parse_names.h"
#include "libs/task/parse_rlimits.h"
#include "libs/task/parse_task_mounts.h"
#include "libs/task/parse_volume_mounts.h"
#include "libs/task/signal_name.h"
#include "libs/task/unknown_fields.h"
#include "libs/task/violations.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL
// Behind "/usr/local/bin/", the longest directory that is searched, it is still a path.
constexpr size_t kMaxCommandBytes = kMaxPathBytes - 15;
constexpr int64_t kMaxCpuShares = 262144;
constexpr int64_t kMaxMemoryMib = int64_t{1} << 32;
constexpr int64_t kMinPids = 2;  // init and the command
constexpr int64_t kMaxPids = 4194304;
constexpr int64_t kMaxKillTimeoutSeconds = int64_t{24} * 60 * 60;
constexpr int kMaxMetaEntries = 64;
constexpr size_t kMaxMetaBytes = 64 << 10;
constexpr int kMaxConstraints = 64;
constexpr size_t kMaxConstraintBytes = 4096;
constexpr int kMaxChrootEntries = 64;
constexpr int64_t kUnlimited = -1;
constexpr int64_t kLeastOomScore = -1000;
constexpr int64_t kMostOomScore = 1000;
constexpr int64_t kLeastShmBytes = 4096;
constexpr int64_t kLeastRootBytes = 65536;
constexpr absl::string_view kUnconfined = "unconfined";
constexpr absl::string_view kOverlay = "overlay";

template <typename T>
T Or(T value, T fallback) {
  return value != T() ? value : fallback;
}

void CheckUnknownFields(const v1::TaskConfig& config, Violations* violations) {
  for (const std::string& path : UnknownFieldPaths(config)) {
    violations->Add(path, "this version does not know a field of that number");
  }
}

void CheckName(const v1::TaskConfig& config, Violations* violations) {
  bool plain = config.name().size() <= kMaxNameBytes;
  for (char c : config.name()) {
    plain = plain && (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' ||
                      c == '-');
  }
  if (!plain) violations->Add("name", "must be at most 128 characters of [A-Za-z0-9_.-]");
}

void CheckCommand(const v1::TaskConfig& config, Violations* violations) {
  const std::string& command = config.config().command();
  if (command.empty()) {
    violations->Add("config.command", "must be provided");
  } else if (HasNul(command)) {
    violations->Add("config.command", "must not contain NUL");
  } else if (command.size() > kMaxCommandBytes) {
    violations->Add("config.command", "has ", command.size(), " bytes, at most ", kMaxCommandBytes,
                    " fit");
  }
}

void CheckArgs(const v1::TaskConfig& config, Violations* violations) {
  for (int i = 0; i < config.config().args_size(); ++i) {
    const std::string& arg = config.config().args(i);
    const std::string field = absl::StrCat("config.args[", i, "]");
    if (HasNul(arg)) violations->Add(field, "must not contain NUL");
    if (arg.size() >= kMaxStringBytes) {
      violations->Add(field, "has ", arg.size(), " bytes, at most ", kMaxStringBytes - 1, " fit");
    }
  }
}

bool IsVariableName(absl::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(name[i]);
    if (!absl::ascii_isalpha(c) && c != '_' && (i == 0 || !absl::ascii_isdigit(c))) return false;
  }
  return !name.empty();
}

void CheckEnv(const v1::TaskConfig& config, Violations* violations) {
  // By name: the map has no order of its own, and the same request shall give the same answer.
  const std::map<std::string, std::string> env(config.env().begin(), config.env().end());
  for (const auto& [name, value] : env) {
    const std::string field = absl::StrCat("env[", Shown(name), "]");
    if (!IsVariableName(name)) violations->Add(field, "the name must be [A-Za-z_][A-Za-z0-9_]*");
    if (HasNul(value)) violations->Add(field, "the value must not contain NUL");
    const size_t bytes = name.size() + 1 + value.size();
    if (bytes >= kMaxStringBytes) {
      violations->Add(field, "has ", bytes, " bytes with its name, at most ", kMaxStringBytes - 1,
                      " fit");
    }
  }
}

// As execve(2) counts: each string with its NUL and a pointer to it.
size_t ExecBytes(size_t text_bytes) { return text_bytes + 1 + sizeof(char*); }

void CheckExecSize(const v1::TaskConfig& config, Violations* violations) {
  size_t total = ExecBytes(config.config().command().size());
  for (const std::string& arg : config.config().args()) total += ExecBytes(arg.size());
  for (const auto& [name, value] : config.env()) total += ExecBytes(name.size() + 1 + value.size());
  if (total > kMaxExecBytes) {
    violations->Add("config.args", "command, args and env take ", total,
                    " bytes together, at most ", kMaxExecBytes, " fit");
  }
}

void CheckCapabilityNames(absl::string_view field,
                          const google::protobuf::RepeatedPtrField<std::string>& names,
                          Violations* violations) {
  capability::CapabilityList list;
  for (int i = 0; i < names.size(); ++i) {
    if (capability::AddName(names[i], list)) continue;
    violations->Add(absl::StrCat(field, "[", i, "]"), "'", Shown(names[i]),
                    "' is not a Linux capability");
  }
}

void CheckCapabilities(const v1::TaskConfig& config, Violations* violations) {
  CheckCapabilityNames("config.cap_add", config.config().cap_add(), violations);
  CheckCapabilityNames("config.cap_drop", config.config().cap_drop(), violations);
}

// How much there may be of it; what it says is judged on the node (constraint.h).
void CheckConstraints(const v1::TaskConfig& config, Violations* violations) {
  if (config.constraints_size() > kMaxConstraints) {
    violations->Add("constraints", "has ", config.constraints_size(), " entries, at most ",
                    kMaxConstraints);
    return;
  }
  for (int i = 0; i < config.constraints_size(); ++i) {
    const v1::Constraint& constraint = config.constraints(i);
    const std::string field = absl::StrCat("constraints[", i, "]");
    for (const auto& [name, text] : {std::make_pair("attribute", &constraint.attribute()),
                                     std::make_pair("operator", &constraint.operator_()),
                                     std::make_pair("value", &constraint.value())}) {
      if (HasNul(*text)) violations->Add(absl::StrCat(field, ".", name), "must not contain NUL");
      if (text->size() <= kMaxConstraintBytes) continue;
      violations->Add(absl::StrCat(field, ".", name), "has ", text->size(), " bytes, at most ",
                      kMaxConstraintBytes, " fit");
    }
  }
}

NamespaceMode ParseMode(absl::string_view field, const std::string& text, Violations* violations) {
  if (text.empty()) return NamespaceMode::kNodeDefault;
  if (text == "private") return NamespaceMode::kPrivate;
  if (text == "host") return NamespaceMode::kHost;
  violations->Add(field, "must be \"private\" or \"host\" but is '", Shown(text), "'");
  return NamespaceMode::kNodeDefault;
}

void CheckModes(const v1::TaskConfig& config, Violations* violations) {
  ParseMode("config.pid_mode", config.config().pid_mode(), violations);
  ParseMode("config.ipc_mode", config.config().ipc_mode(), violations);
  ParseMode("config.userns", config.config().userns(), violations);
}

void CheckSeccomp(const v1::TaskConfig& config, Violations* violations) {
  const std::string& profile = config.config().seccomp();
  if (profile.empty() || profile == "default" || profile == kUnconfined) return;
  violations->Add("config.seccomp", "must be \"default\" or \"unconfined\" but is '",
                  Shown(profile), "'");
}

void CheckChrootEnv(const v1::TaskConfig& config, Violations* violations) {
  const auto& entries = config.config().chroot_env();
  if (entries.size() > kMaxChrootEntries) {
    violations->Add("config.chroot_env", "has ", entries.size(), " entries, at most ",
                    kMaxChrootEntries);
    return;
  }
  for (int i = 0; i < entries.size(); ++i) {
    const std::string field = absl::StrCat("config.chroot_env[", i, "]");
    if (HasNul(entries[i])) {
      violations->Add(field, "must not contain NUL");
    } else if (entries[i].size() > kMaxPathBytes || entries[i].empty() || entries[i][0] != '/' ||
               CleanPath(entries[i]) != entries[i]) {
      violations->Add(field, "must be an absolute clean path but is '", Shown(entries[i]), "'");
    }
  }
}

// Together, as they share the places of the root.
void CheckMounts(const v1::TaskConfig& config, Violations* violations) {
  const std::vector<VolumeMount> volumes = ParseVolumeMounts(config, violations);
  const std::vector<TaskMount> mounts = ParseTaskMounts(config, volumes, violations);
  ParseArtifacts(config, volumes, mounts, violations);
}

void CheckRlimits(const v1::TaskConfig& config, Violations* violations) {
  ParseRlimits(config, violations);
}

void CheckDns(const v1::TaskConfig& config, Violations* violations) {
  ParseDns(config, violations);
}

void CheckDevices(const v1::TaskConfig& config, Violations* violations) {
  ParseDevices(config, violations);
}

void CheckJob(const v1::TaskConfig& config, Violations* violations) {
  const v1::JobContext& job = config.job();
  const std::pair<const char*, const std::string*> texts[] = {{"job.id", &job.id()},
                                                              {"job.name", &job.name()},
                                                              {"job.group", &job.group()},
                                                              {"job.namespace", &job.namespace_()},
                                                              {"job.region", &job.region()},
                                                              {"job.datacenter", &job.datacenter()},
                                                              {"job.parent_id", &job.parent_id()}};
  for (const auto& [field, text] : texts) {
    if (HasNul(*text)) violations->Add(field, "must not contain NUL");
    if (text->size() > kMaxNameBytes) {
      violations->Add(field, "has ", text->size(), " bytes, at most ", kMaxNameBytes, " fit");
    }
  }
}

// By name, so that nobody believes that what was asked for is done.
void CheckAvailable(const v1::TaskConfig& config, Violations* violations) {
  constexpr absl::string_view kNot = "not available yet";
  if (!config.templates().empty()) violations->Add("templates", kNot);
  if (config.has_lifecycle()) violations->Add("lifecycle", kNot);
  if (config.has_logs()) violations->Add("logs", kNot);
  if (config.resources().cores() != 0) violations->Add("resources.cores", kNot);
}

void CheckWorkDir(const v1::TaskConfig& config, Violations* violations) {
  const std::string& path = config.config().work_dir();
  if (path.empty()) return;
  if (HasNul(path)) {
    violations->Add("config.work_dir", "must not contain NUL");
  } else if (path[0] != '/') {
    violations->Add("config.work_dir", "must be absolute but got relative path '", Shown(path),
                    "'");
  } else if (path.size() > kMaxPathBytes) {
    violations->Add("config.work_dir", "has ", path.size(), " bytes, at most ", kMaxPathBytes,
                    " fit");
  } else if (CleanPath(path) != path) {
    violations->Add("config.work_dir", "must be a clean path: write '", Shown(CleanPath(path)),
                    "'");
  }
}

void CheckUser(const v1::TaskConfig& config, Violations* violations) {
  const absl::StatusOr<UserField> user = ParseUserField(config.user());
  if (!user.ok()) violations->Add("user", user.status().message());
}

// 0 is unset: the default.
void CheckRange(absl::string_view field, int64_t value, int64_t least, int64_t most,
                Violations* violations) {
  if (value != 0 && (value < least || value > most)) {
    violations->Add(field, "must be from ", least, " to ", most, " but is ", value);
  }
}

void CheckResources(const v1::TaskConfig& config, Violations* violations) {
  CheckRange("resources.cpu", config.resources().cpu(), 1, kMaxCpuShares, violations);
  CheckRange("resources.memory", config.resources().memory(), 1, kMaxMemoryMib, violations);
  CheckRange("resources.pids", config.resources().pids(), kMinPids, kMaxPids, violations);
  const int64_t memory = Or(config.resources().memory(), kDefaultMemoryMib);
  if (memory < 1 || memory > kMaxMemoryMib) return;
  const int64_t most = config.resources().memory_max();
  if (most != 0 && most != kUnlimited && (most < memory || most > kMaxMemoryMib)) {
    violations->Add("resources.memory_max", "must be -1, or from ", memory,
                    " (resources.memory) to ", kMaxMemoryMib, " but is ", most);
  }
  const int64_t secrets = config.resources().secrets();
  if (secrets < 0 || Or(secrets, kDefaultSecretsMib) > memory) {
    violations->Add("resources.secrets", "must be from 1 to ", memory,
                    " (resources.memory) but is ", secrets);
  }
}

void CheckOomScore(const v1::TaskConfig& config, Violations* violations) {
  CheckRange("config.oom_score_adj", config.config().oom_score_adj(), kLeastOomScore, kMostOomScore,
             violations);
}

void CheckShmSize(const v1::TaskConfig& config, Violations* violations) {
  const int64_t mib = Or(config.resources().memory(), kDefaultMemoryMib);
  if (mib < 1 || mib > kMaxMemoryMib) return;
  CheckRange("config.shm_size", config.config().shm_size(), kLeastShmBytes, mib << 20, violations);
}

void CheckRoot(const v1::TaskConfig& config, Violations* violations) {
  const std::string& root = config.config().root();
  if (!root.empty() && root != kOverlay && root != "read-only") {
    violations->Add("config.root", "must be \"read-only\" or \"overlay\" but is '", Shown(root),
                    "'");
  }
  const int64_t mib = Or(config.resources().memory(), kDefaultMemoryMib);
  if (mib < 1 || mib > kMaxMemoryMib) return;
  CheckRange("config.root_size", config.config().root_size(), kLeastRootBytes, mib << 20,
             violations);
  if (config.config().root_size() != 0 && root != kOverlay) {
    violations->Add("config.root_size", "needs root \"overlay\"");
  }
}

void CheckKillTimeout(const v1::TaskConfig& config, Violations* violations) {
  if (!config.has_kill_timeout()) return;
  const google::protobuf::Duration& timeout = config.kill_timeout();
  if (timeout.nanos() <= -1000000000 || timeout.nanos() >= 1000000000) {
    violations->Add("kill_timeout", "nanos are out of range");
  } else if (timeout.seconds() < 0 || timeout.nanos() < 0) {
    violations->Add("kill_timeout", "must not be negative");
  } else if (timeout.seconds() > kMaxKillTimeoutSeconds ||
             (timeout.seconds() == kMaxKillTimeoutSeconds && timeout.nanos() > 0)) {
    violations->Add("kill_timeout", "must be at most 24 h");
  }
}

void CheckKillSignal(const v1::TaskConfig& config, Violations* violations) {
  if (!config.kill_signal().empty() && !SignalNumber(config.kill_signal())) {
    violations->Add("kill_signal", "'", Shown(config.kill_signal()), "' is not a signal");
  }
}

void CheckMeta(const v1::TaskConfig& config, Violations* violations) {
  if (config.meta_size() > kMaxMetaEntries) {
    violations->Add("meta", "has ", config.meta_size(), " entries, at most ", kMaxMetaEntries);
  }
  size_t total = 0;
  for (const auto& [key, value] : config.meta()) total += key.size() + value.size();
  if (total > kMaxMetaBytes) {
    violations->Add("meta", "has ", total, " bytes, at most ", kMaxMetaBytes);
  }
  if (config.meta().contains("")) violations->Add("meta", "a key is empty");
  const std::map<std::string, std::string> sorted(config.meta().begin(), config.meta().end());
  for (const auto& [key, value] : sorted) {
    if (!HasNul(value)) continue;
    violations->Add(absl::StrCat("meta[", Shown(key), "]"), "the value must not contain NUL");
  }
}

// Every check sees the whole request and knows nothing of the others: all of them run.
constexpr void (*kChecks[])(const v1::TaskConfig&, Violations*) = {
    CheckUnknownFields, CheckAvailable, CheckName,      CheckCommand,      CheckArgs,
    CheckEnv,           CheckExecSize,  CheckModes,     CheckCapabilities, CheckWorkDir,
    CheckChrootEnv,     CheckUser,      CheckResources, CheckKillTimeout,  CheckKillSignal,
    CheckMeta,          CheckJob,       CheckMounts,    CheckConstraints,  CheckRlimits,
    CheckOomScore,      CheckShmSize,   CheckHostname,  CheckDns,          CheckDevices,
    CheckSeccomp,       CheckRoot};

capability::CapabilityList Capabilities(
    const google::protobuf::RepeatedPtrField<std::string>& names) {
  capability::CapabilityList list;
  for (const std::string& name : names) capability::AddName(name, list);
  return list;
}

// Up, so that a grace of less than a millisecond is not the kill at once that 0 is.
absl::Duration KillTimeout(const v1::TaskConfig& config) {
  if (!config.has_kill_timeout()) return kDefaultKillTimeout;
  return absl::Ceil(absl::Seconds(config.kill_timeout().seconds()) +
                        absl::Nanoseconds(config.kill_timeout().nanos()),
                    absl::Milliseconds(1));
}

uint64_t MemoryMax(const v1::Resources& resources) {
  if (resources.memory_max() == kUnlimited) return TaskSpec::kUnlimitedMemory;
  if (resources.memory_max() == Or(resources.memory(), kDefaultMemoryMib)) return 0;
  return static_cast<uint64_t>(resources.memory_max()) << 20;
}

uint64_t OverlayBytes(const v1::TaskConfig& config) {
  if (config.config().root() != kOverlay) return 0;
  const int64_t memory = Or(config.resources().memory(), kDefaultMemoryMib) << 20;
  return static_cast<uint64_t>(Or(config.config().root_size(), memory / 4));
}

std::vector<std::string> AskedLimits(const v1::Resources& resources) {
  std::vector<std::string> asked;
  if (resources.cpu() != 0) asked.push_back("resources.cpu");
  if (resources.memory() != 0) asked.push_back("resources.memory");
  if (resources.memory_max() != 0) asked.push_back("resources.memory_max");
  if (resources.pids() != 0) asked.push_back("resources.pids");
  return asked;
}

}  // namespace

absl::StatusOr<TaskSpec> ParseTaskSpec(const v1::TaskConfig& config) {
  Violations violations;
  for (const auto& check : kChecks) check(config, &violations);
  const absl::Status status = violations.ToStatus();
  if (!status.ok()) return status;

  TaskSpec::Values values;
  values.name = config.name();
  values.meta = {config.meta().begin(), config.meta().end()};
  values.job = config.job();
  values.constraints = {config.constraints().begin(), config.constraints().end()};
  values.command = config.config().command();
  values.args = {config.config().args().begin(), config.config().args().end()};
  values.env = {config.env().begin(), config.env().end()};
  values.work_dir = Or(config.config().work_dir(), std::string("/"));
  values.pid_mode = ParseMode("", config.config().pid_mode(), &violations);
  values.ipc_mode = ParseMode("", config.config().ipc_mode(), &violations);
  values.userns = ParseMode("", config.config().userns(), &violations);
  values.chroot_env = {config.config().chroot_env().begin(), config.config().chroot_env().end()};
  values.init = !config.config().has_init() || config.config().init();
  values.volume_mounts = ParseVolumeMounts(config, &violations);
  values.mounts = ParseTaskMounts(config, values.volume_mounts, &violations);
  values.artifacts = ParseArtifacts(config, values.volume_mounts, values.mounts, &violations);
  values.shm_bytes = static_cast<uint64_t>(Or(config.config().shm_size(), kDefaultShmBytes));
  values.overlay_bytes = OverlayBytes(config);
  values.rlimits = ParseRlimits(config, &violations);
  values.oom_score_adj = config.config().oom_score_adj();
  values.hostname = config.config().hostname();
  values.dns = ParseDns(config, &violations);
  values.devices = ParseDevices(config, &violations);
  const v1::ExecConfig& exec = config.config();
  values.seccomp_unconfined = exec.seccomp() == kUnconfined;
  values.landlock = !exec.has_landlock() || exec.landlock();
  values.no_new_privs = !exec.has_no_new_privs() || exec.no_new_privs();
  values.masked_paths = !exec.has_masked_paths() || exec.masked_paths();
  values.user = *ParseUserField(config.user());
  values.cap_add = Capabilities(config.config().cap_add());
  values.cap_drop = Capabilities(config.config().cap_drop());
  values.cpu_shares = Or(config.resources().cpu(), kDefaultCpuShares);
  values.memory_bytes = static_cast<uint64_t>(Or(config.resources().memory(), kDefaultMemoryMib))
                        << 20;
  values.memory_max_bytes = MemoryMax(config.resources());
  values.secrets_bytes = static_cast<uint64_t>(Or(config.resources().secrets(), kDefaultSecretsMib))
                         << 20;
  values.pids = Or(config.resources().pids(), kDefaultPids);
  values.asked_limits = AskedLimits(config.resources());
  values.kill_timeout = KillTimeout(config);
  values.kill_signal = SignalNumber(config.kill_signal()).value_or(kDefaultKillSignal);
  return TaskSpec(std::move(values));
}

}  // namespace cloister::task
