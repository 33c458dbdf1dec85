#include "tools/cloister/task_flags.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

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

absl::Status SetResources(const absl::optional<int64_t>& cpu, const absl::optional<int64_t>& memory,
                          const absl::optional<int64_t>& pids, v1::TaskConfig* config) {
  // A zero in the message means "unset"; asked for by a flag it is a mistake that must not turn
  // into a default.
  const struct {
    const char* flag;
    const absl::optional<int64_t>& value;
    void (v1::Resources::*set)(int64_t);
  } kRows[] = {{"--cpu", cpu, &v1::Resources::set_cpu},
               {"--memory", memory, &v1::Resources::set_memory},
               {"--pids", pids, &v1::Resources::set_pids}};
  for (const auto& row : kRows) {
    if (!row.value.has_value()) continue;
    if (*row.value == 0)
      return absl::InvalidArgumentError(absl::StrCat(row.flag, ": 0: at least 1"));
    (config->mutable_resources()->*row.set)(*row.value);
  }
  return absl::OkStatus();
}

}  // namespace

void TaskFlags::Declare(FlagSet* flags) {
  flags->Text("name", &name_, "NAME", "A label for people.");
  flags->Text("user", &user_, "USER",
              "User name, \"uid:gid\", or a uid that the node knows. Default: nobody.", 'u');
  flags->Repeated("env", &env_, "NAME[=VALUE]",
                  "Sets an environment variable; without VALUE, to its value here.", 'e');
  auto set_memory = [this](const std::string& value) -> absl::Status {
    absl::StatusOr<int64_t> mebibytes = ParseMebibytes(value);
    if (!mebibytes.ok()) return mebibytes.status();
    memory_ = *mebibytes;
    return absl::OkStatus();
  };
  flags->Add({"memory", 'm', "MIB", "Memory limit in MiB, or with unit: 512m, 2g. Default: 300.",
              set_memory});
  flags->Number("cpu", &cpu_, 0, kMaxNumber, "SHARES",
                "CPU weight relative to other tasks. Default: 100.");
  flags->Number("pids", &pids_, 0, kMaxNumber, "N",
                "Most processes and threads at once. Default: 1024.");
  flags->Repeated("cap-add", &cap_add_, "CAP",
                  "Gives a capability, as far as the node permits it.");
  flags->Repeated("cap-drop", &cap_drop_, "CAP", "Takes a capability away; \"all\" takes all.");
  flags->Text("work-dir", &work_dir_, "PATH",
              "Working directory inside the task's root. Default: /.", 'w');
  flags->Duration("kill-timeout", &kill_timeout_, "From the stop signal to the kill. Default: 5s.");
  flags->Text("kill-signal", &kill_signal_, "SIGNAL",
              "The signal that a stop sends first. Default: SIGTERM.");
  flags->Repeated("meta", &meta_, "KEY=VALUE", "A label of your own, returned as it came.");
  flags->Text("node", &node_, "NODE", "The node to run on. Default: any node with room.");
}

absl::StatusOr<v1::TaskConfig> TaskFlags::MakeConfig(const std::vector<std::string>& command,
                                                     const Lookup& environment) const {
  v1::TaskConfig config;
  config.set_name(name_);
  config.set_user(user_);
  config.mutable_config()->set_command(command[0]);
  for (size_t i = 1; i < command.size(); ++i) config.mutable_config()->add_args(command[i]);
  AddListed(cap_add_, config.mutable_config()->mutable_cap_add());
  AddListed(cap_drop_, config.mutable_config()->mutable_cap_drop());
  config.mutable_config()->set_work_dir(work_dir_);
  for (const std::string& entry : env_) {
    const size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (equals != std::string::npos) {
      (*config.mutable_env())[name] = entry.substr(equals + 1);
      continue;
    }
    const char* value = environment(name);
    if (value == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("--env ", name, ": not set here; give a value: ", name, "=VALUE"));
    }
    (*config.mutable_env())[name] = value;
  }
  for (const std::string& entry : meta_) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--meta: '", entry, "': not KEY=VALUE"));
    }
    (*config.mutable_meta())[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  absl::Status limited = SetResources(cpu_, memory_, pids_, &config);
  if (!limited.ok()) return limited;
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
