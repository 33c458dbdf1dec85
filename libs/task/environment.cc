#include "libs/task/environment.h"

#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/task/parse_task_spec.h"

namespace cloister::task {
namespace {

using Variables = std::map<std::string, std::string>;

constexpr size_t kShortIdBytes = 8;
constexpr absl::string_view kMetaPrefix = "NOMAD_META_";

// What no environment can hold is ParseTaskSpec's to refuse, by the field that it is of.
bool Fits(absl::string_view value) { return value.find('\0') == absl::string_view::npos; }

void Set(absl::string_view name, absl::string_view value, Variables* variables) {
  if (!value.empty() && Fits(value)) variables->emplace(name, value);
}

int64_t Or(int64_t value, int64_t fallback) { return value != 0 ? value : fallback; }

absl::string_view Or(const std::string& value, const std::string& fallback) {
  return value.empty() ? fallback : value;
}

std::string Cleaned(std::string name) {
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

void SetDirectories(Variables* variables) {
  Set("NOMAD_ALLOC_DIR", "/alloc", variables);
  Set("NOMAD_TASK_DIR", "/local", variables);
  Set("NOMAD_SECRETS_DIR", "/secrets", variables);
}

void SetLimits(const v1::Resources& resources, Variables* variables) {
  Set("NOMAD_CPU_LIMIT", absl::StrCat(Or(resources.cpu(), kDefaultCpuShares)), variables);
  Set("NOMAD_MEMORY_LIMIT", absl::StrCat(Or(resources.memory(), kDefaultMemoryMib)), variables);
  if (resources.memory_max() > 0) {
    Set("NOMAD_MEMORY_MAX_LIMIT", absl::StrCat(resources.memory_max()), variables);
  }
}

void SetIdentity(const v1::TaskConfig& config, const TaskPlace& place, Variables* variables) {
  const v1::JobContext& job = config.job();
  Set("NOMAD_ALLOC_ID", place.task_id, variables);
  Set("NOMAD_SHORT_ALLOC_ID", place.task_id.substr(0, kShortIdBytes), variables);
  // A task is the only one of its kind until groups have counts.
  Set("NOMAD_ALLOC_INDEX", "0", variables);
  if (!job.id().empty() && !job.group().empty()) {
    Set("NOMAD_ALLOC_NAME", absl::StrCat(job.id(), ".", job.group(), "[0]"), variables);
  }
  Set("NOMAD_TASK_NAME", config.name(), variables);
  Set("NOMAD_GROUP_NAME", job.group(), variables);
  Set("NOMAD_JOB_ID", job.id(), variables);
  Set("NOMAD_JOB_NAME", Or(job.name(), job.id()), variables);
  Set("NOMAD_JOB_PARENT_ID", job.parent_id(), variables);
  Set("NOMAD_NAMESPACE", job.namespace_(), variables);
  Set("NOMAD_DC", Or(job.datacenter(), place.datacenter), variables);
  Set("NOMAD_REGION", Or(job.region(), place.region), variables);
  Set("NOMAD_PARENT_CGROUP", place.cgroup_parent, variables);
}

void SetMeta(const v1::TaskConfig& config, Variables* variables) {
  // By key, as the map has no order of its own; first those that keep their name.
  std::map<std::string, std::string> meta;
  for (const auto& [key, value] : config.meta()) {
    if (Fits(value)) meta.emplace(key, value);
  }
  for (const auto& [key, value] : meta) {
    if (Cleaned(key) == key) variables->emplace(absl::StrCat(kMetaPrefix, key), value);
  }
  for (const auto& [key, value] : meta) {
    variables->emplace(absl::StrCat(kMetaPrefix, Cleaned(key)), value);
  }
  for (const auto& [key, value] : meta) {
    variables->emplace(absl::StrCat(kMetaPrefix, absl::AsciiStrToUpper(Cleaned(key))), value);
  }
}

}  // namespace

std::map<std::string, std::string> BuiltInVariables(const v1::TaskConfig& config,
                                                    const TaskPlace& place) {
  Variables variables = {{"PATH", std::string(kDefaultPath)}};
  SetDirectories(&variables);
  SetLimits(config.resources(), &variables);
  SetIdentity(config, place, &variables);
  SetMeta(config, &variables);
  return variables;
}

bool IsSetByNode(absl::string_view name) {
  return name == "USER" || name == "LOGNAME" || name == "HOME";
}

std::vector<std::string> MakeEnvironment(const std::map<std::string, std::string>& asked,
                                         const ResolvedUser& user) {
  std::map<std::string, std::string> all = asked;
  all.emplace("PATH", kDefaultPath);
  all["USER"] = user.name;
  all["LOGNAME"] = user.name;
  all["HOME"] = user.home;
  std::vector<std::string> environment;
  environment.reserve(all.size());
  for (const auto& [name, value] : all) environment.push_back(absl::StrCat(name, "=", value));
  return environment;
}

}  // namespace cloister::task
