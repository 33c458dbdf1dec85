#include "tools/cloister/task_flags.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"

namespace cloister {
namespace {

constexpr int64_t kMaxNumber = std::numeric_limits<int64_t>::max();

// "--cap-add chown,kill" and "--cap-add chown --cap-add kill" are the same.
template <typename Repeated>
void AddListed(const std::vector<std::string>& values, Repeated* out) {
  for (const std::string& value : values) {
    for (absl::string_view part : absl::StrSplit(value, ',')) *out->Add() = std::string(part);
  }
}

// The shell was the one to replace "${name}"; what it left is meant as it stands.
std::string Escaped(absl::string_view text) { return absl::StrReplaceAll(text, {{"${", "$${"}}); }

void DeclareMebibytes(absl::string_view name, char letter, absl::string_view help,
                      absl::optional<int64_t>* variable, FlagSet* flags) {
  auto set = [variable, is_bounded = name != "memory-max"](const std::string& value) {
    absl::StatusOr<int64_t> mebibytes = ParseMebibytes(value);
    if (!is_bounded && value == "-1") mebibytes = -1;
    if (mebibytes.ok()) *variable = *mebibytes;
    return mebibytes.status();
  };
  flags->Add({std::string(name), letter, "MIB", std::string(help), set});
}

// "NAME:DESTINATION" or "NAME:DESTINATION:ro".
absl::Status AddVolume(absl::string_view entry, v1::TaskConfig* config) {
  absl::string_view rest = entry;
  const bool read_only = absl::ConsumeSuffix(&rest, ":ro");
  const size_t colon = rest.find(':');
  if (colon == absl::string_view::npos || colon == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--volume: '", entry, "': not NAME:DESTINATION or NAME:DESTINATION:ro"));
  }
  const std::string name(rest.substr(0, colon));
  bool is_there = false;
  for (const v1::Volume& volume : config->volumes()) is_there = is_there || volume.name() == name;
  if (!is_there) config->add_volumes()->set_name(name);
  v1::VolumeMount* mount = config->add_volume_mounts();
  mount->set_volume(name);
  mount->set_destination(Escaped(rest.substr(colon + 1)));
  mount->set_read_only(read_only);
  return absl::OkStatus();
}

struct AskedResource {
  const char* flag;
  const absl::optional<int64_t>& value;
  void (v1::Resources::*set)(int64_t);
};

absl::Status SetResources(const std::vector<AskedResource>& asked, v1::TaskConfig* config) {
  // A zero in the message means "unset"; asked for by a flag it is a mistake that must not turn
  // into a default.
  for (const AskedResource& row : asked) {
    if (!row.value.has_value()) continue;
    if (*row.value == 0)
      return absl::InvalidArgumentError(absl::StrCat(row.flag, ": 0: at least 1"));
    (config->mutable_resources()->*row.set)(*row.value);
  }
  return absl::OkStatus();
}

absl::Status SetEnv(const std::vector<std::string>& entries, const TaskFlags::Lookup& environment,
                    v1::TaskConfig* config) {
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (equals != std::string::npos) {
      (*config->mutable_env())[name] = Escaped(entry.substr(equals + 1));
      continue;
    }
    const char* value = environment(name);
    if (value == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("--env ", name, ": not set here; give a value: ", name, "=VALUE"));
    }
    (*config->mutable_env())[name] = Escaped(value);
  }
  return absl::OkStatus();
}

absl::Status SetMeta(const std::vector<std::string>& entries, v1::TaskConfig* config) {
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--meta: '", entry, "': not KEY=VALUE"));
    }
    (*config->mutable_meta())[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return absl::OkStatus();
}

}  // namespace

void TaskFlags::Declare(FlagSet* flags) {
  FlagSet mine;
  DeclareTask(&mine);
  for (FlagSet::Flag flag : mine.flags()) {
    flag.set = [this, name = flag.name, set = flag.set](const std::string& value) {
      if (first_given_.empty()) first_given_ = name;
      return set(value);
    };
    flags->Add(std::move(flag));
  }
  flags->Text("node", &node_, "NODE", "The node to run on. Default: any node with room.");
}

void TaskFlags::DeclareTask(FlagSet* flags) {
  flags->Text("name", &name_, "NAME", "A label for people.");
  flags->Text("user", &user_, "USER",
              "User name, \"uid:gid\", or a uid that the node knows. Default: nobody.", 'u');
  flags->Repeated("env", &env_, "NAME[=VALUE]",
                  "Sets an environment variable; without VALUE, to its value here.", 'e');
  DeclareMebibytes("memory", 'm', "Memory limit in MiB, or with unit: 512m, 2g. Default: 300.",
                   &memory_, flags);
  DeclareMebibytes("memory-max", 0,
                   "Memory that it may use beyond that while the node has it; -1: without limit.",
                   &memory_max_, flags);
  DeclareMebibytes("secrets", 0, "Size of /secrets, which is in memory. Default: 1.", &secrets_,
                   flags);
  flags->Number("cpu", &cpu_, 0, kMaxNumber, "SHARES",
                "CPU weight relative to other tasks. Default: 100.");
  flags->Number("pids", &pids_, 0, kMaxNumber, "N",
                "Most processes and threads at once. Default: 1024.");
  flags->Repeated("cap-add", &cap_add_, "CAP",
                  "Gives a capability, as far as the node permits it.");
  flags->Repeated("cap-drop", &cap_drop_, "CAP", "Takes a capability away; \"all\" takes all.");
  flags->Text("work-dir", &work_dir_, "PATH",
              "Working directory inside the task's root. Default: /.", 'w');
  flags->Choice("pid-mode", &pid_mode_, {"private", "host"},
                "Whether it sees the node's processes. Default: the node's.");
  flags->Choice("ipc-mode", &ipc_mode_, {"private", "host"},
                "Whether it shares System V IPC with the node. Default: the node's.");
  flags->Choice("userns", &userns_, {"private", "host"},
                "Whether it has ids of its own; then --user may be root. Default: the node's.");
  flags->Choice("root", &root_, {"read-only", "overlay"},
                "Whether it may change its root for itself, in memory. Default: read-only.");
  flags->Repeated("chroot-env", &chroot_env_, "PATH",
                  "Of the node's entries, those that its root holds. Default: all.");
  flags->Switch("no-init", &no_init_,
                "The command is PID 1 itself: nobody reaps for it or hands signals on.");
  flags->Choice("seccomp", &seccomp_, {"default", "unconfined"},
                "Which system calls it may make. Default: default.");
  flags->Switch("without-landlock", &without_landlock_,
                "No Landlock, as far as the node permits to be without.");
  flags->Switch("new-privs", &new_privs_, "Without no_new_privs, as far as the node permits it.");
  flags->Switch("unmasked-paths", &unmasked_paths_,
                "Hides nothing of /proc and /sys, as far as the node permits it.");
  flags->Repeated("volume", &volumes_, "NAME:PATH[:ro]",
                  "Mounts a host_volume of the node's policy at a path in the task's root.");
  flags->Duration("kill-timeout", &kill_timeout_, "From the stop signal to the kill. Default: 5s.");
  flags->Text("kill-signal", &kill_signal_, "SIGNAL",
              "The signal that a stop sends first. Default: SIGTERM.");
  flags->Repeated("meta", &meta_, "KEY=VALUE", "A label of your own, returned as it came.");
}

void TaskFlags::SetFence(v1::ExecConfig* config) const {
  config->set_userns(userns_);
  config->set_root(root_);
  config->set_seccomp(seccomp_);
  if (without_landlock_) config->set_landlock(false);
  if (new_privs_) config->set_no_new_privs(false);
  if (unmasked_paths_) config->set_masked_paths(false);
}

absl::StatusOr<v1::TaskConfig> TaskFlags::MakeConfig(const std::vector<std::string>& command,
                                                     const Lookup& environment) const {
  v1::TaskConfig config;
  config.set_name(name_);
  config.set_user(user_);
  config.mutable_config()->set_command(Escaped(command[0]));
  for (size_t i = 1; i < command.size(); ++i) {
    config.mutable_config()->add_args(Escaped(command[i]));
  }
  AddListed(cap_add_, config.mutable_config()->mutable_cap_add());
  AddListed(cap_drop_, config.mutable_config()->mutable_cap_drop());
  config.mutable_config()->set_work_dir(Escaped(work_dir_));
  config.mutable_config()->set_pid_mode(pid_mode_);
  config.mutable_config()->set_ipc_mode(ipc_mode_);
  AddListed(chroot_env_, config.mutable_config()->mutable_chroot_env());
  if (no_init_) config.mutable_config()->set_init(false);
  SetFence(config.mutable_config());
  for (const std::string& entry : volumes_) {
    CLOISTER_RETURN_IF_ERROR(AddVolume(entry, &config));
  }
  CLOISTER_RETURN_IF_ERROR(SetEnv(env_, environment, &config));
  CLOISTER_RETURN_IF_ERROR(SetMeta(meta_, &config));
  CLOISTER_RETURN_IF_ERROR(
      SetResources({{"--cpu", cpu_, &v1::Resources::set_cpu},
                    {"--memory", memory_, &v1::Resources::set_memory},
                    {"--memory-max", memory_max_, &v1::Resources::set_memory_max},
                    {"--secrets", secrets_, &v1::Resources::set_secrets},
                    {"--pids", pids_, &v1::Resources::set_pids}},
                   &config));
  if (kill_timeout_.has_value()) {
    const int64_t nanoseconds = absl::ToInt64Nanoseconds(*kill_timeout_);
    config.mutable_kill_timeout()->set_seconds(nanoseconds / 1'000'000'000);
    config.mutable_kill_timeout()->set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
  }
  config.set_kill_signal(kill_signal_);
  return config;
}

absl::StatusOr<int64_t> ParseMebibytes(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  absl::string_view digits = lower;
  int64_t factor = 1;
  if (absl::ConsumeSuffix(&digits, "gib") || absl::ConsumeSuffix(&digits, "g")) {
    factor = 1024;
  } else if (!absl::ConsumeSuffix(&digits, "mib")) {
    absl::ConsumeSuffix(&digits, "m");
  }
  int64_t number;
  if (!absl::SimpleAtoi(digits, &number) || number < 0 || number > kMaxNumber / factor) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "': not a size such as 300, 512m or 2g"));
  }
  return number * factor;
}

}  // namespace cloister
