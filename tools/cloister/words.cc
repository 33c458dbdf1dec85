#include "tools/cloister/words.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace cloister {
namespace {

template <typename Repeated>
std::string ListOrNone(const Repeated& words) {
  return words.empty() ? "none" : absl::StrJoin(words, " ");
}

bool IsPlainWord(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains("@%+=:,./-_", absl::string_view(&c, 1));
  });
}

// What `run -- COMMAND` escaped is shown as it was typed. With references in it, too, it came from
// somewhere else, and is shown as it stands.
std::string AsTyped(const std::string& word) {
  if (absl::StrContains(absl::StrReplaceAll(word, {{"$${", ""}}), "${")) return word;
  return absl::StrReplaceAll(word, {{"$${", "${"}});
}

std::string Quoted(const std::string& word) {
  if (IsPlainWord(word)) return word;
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string LimitsInWords(const v1::Fence& fence) {
  if (fence.cgroups() == "none") {
    return fence.unavailable().empty() ? "none: the node runs without cgroups" : "none";
  }
  return absl::StrCat("memory ", BytesInWords(fence.memory_limit_bytes()), ", pids ",
                      fence.pids_limit(), ", cpu ", fence.cpu_weight_shares(), " (cgroup ",
                      fence.cgroups(), ")");
}

std::string LandlockInWords(const v1::Fence::Landlock& landlock) {
  std::vector<std::string> confined;
  if (landlock.files()) confined.push_back("files");
  if (landlock.signals()) confined.push_back("signals");
  if (landlock.abstract_sockets()) confined.push_back("abstract sockets");
  if (confined.empty()) return "none";
  return absl::StrCat("confines ", absl::StrJoin(confined, ", "), " (version ", landlock.abi(),
                      ")");
}

}  // namespace

Cell StateCell(const v1::Task& task) {
  absl::string_view name = v1::TaskState_Name(task.state());
  absl::ConsumePrefix(&name, "TASK_STATE_");
  std::string words = absl::AsciiStrToLower(name);
  Color color = Color::kPlain;
  if (task.state() == v1::TASK_STATE_RUNNING) color = Color::kGreen;
  if (task.state() == v1::TASK_STATE_LOST) color = Color::kRed;
  if (task.node_unreachable()) {
    absl::StrAppend(&words, "?");
    color = Color::kYellow;
  }
  return Cell(words, color);
}

Cell NodeStateCell(const v1::Node& node) {
  absl::string_view name = v1::NodeState_Name(node.state());
  absl::ConsumePrefix(&name, "NODE_STATE_");
  return Cell(absl::AsciiStrToLower(name),
              node.state() == v1::NODE_STATE_READY ? Color::kGreen : Color::kRed);
}

std::string AgeInWords(absl::Duration age) {
  age = std::max(age, absl::ZeroDuration());
  if (age < absl::Minutes(2)) return absl::StrCat(absl::ToInt64Seconds(age), "s");
  if (age < absl::Hours(2)) return absl::StrCat(absl::ToInt64Minutes(age), "m");
  if (age < absl::Hours(48)) return absl::StrCat(absl::ToInt64Hours(age), "h");
  return absl::StrCat(absl::ToInt64Hours(age) / 24, "d");
}

std::string MeasuredInWords(absl::Duration duration) {
  double value = absl::ToDoubleMilliseconds(duration);
  const char* unit = "ms";
  if (value >= 1000) {
    value /= 1000;
    unit = "s";
  }
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return absl::StrFormat("%.*f %s", decimals, value, unit);
}

std::string BytesInWords(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < sizeof(kUnits) / sizeof(kUnits[0])) {
    value /= 1024;
    ++unit;
  }
  const bool whole = value == std::floor(value) || value >= 100;
  return absl::StrFormat("%.*f %s", whole ? 0 : 1, value, kUnits[unit]);
}

std::string CommandInWords(const v1::ExecConfig& config) {
  std::string out = Quoted(AsTyped(config.command()));
  for (const std::string& arg : config.args()) absl::StrAppend(&out, " ", Quoted(AsTyped(arg)));
  return out;
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string TimeInWords(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() == 0 && timestamp.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%E3S %Ez", ToTime(timestamp), absl::LocalTimeZone());
}

void AddFence(const v1::Fence& fence, Fields* fields) {
  fields->Add("ids", absl::StrCat("uid ", fence.uid(), ", gid ", fence.gid(), ", groups ",
                                  ListOrNone(fence.groups())));
  if (fence.user_ids() > 0) {
    fields->Add("own ids", absl::StrCat("0 to ", fence.user_ids() - 1, ", on the node from ",
                                        fence.first_user_id()));
  }
  fields->Add("capabilities",
              absl::StrCat(ListOrNone(fence.effective_capabilities()), " effective"));
  fields->Add("bounding set", ListOrNone(fence.bounding_capabilities()));
  fields->Add("no_new_privs", fence.no_new_privs() ? "yes" : "no");
  if (!fence.seccomp_profile().empty()) {
    fields->Add("seccomp", absl::StrCat(fence.seccomp_profile(), " ", fence.seccomp_hash()));
    fields->Add("landlock", LandlockInWords(fence.landlock()));
  }
  fields->Add("hidden", ListOrNone(fence.hidden_paths()));
  for (const std::string& gap : fence.gaps()) fields->Add("gap", gap, Color::kYellow);
  fields->Add("namespaces", ListOrNone(fence.namespaces()));
  fields->Add("limits", LimitsInWords(fence),
              fence.cgroups() == "none" ? Color::kYellow : Color::kPlain);
  fields->Add("read-only", ListOrNone(fence.read_only_paths()));
  fields->Add("writable", ListOrNone(fence.writable_paths()));
  fields->Add("without root", Printable(absl::StrJoin(fence.unavailable(), "; ")), Color::kYellow);
}

std::string FenceInOneLine(const v1::Fence& fence) {
  return absl::StrCat("uid ", fence.uid(), ", gid ", fence.gid(), "; capabilities ",
                      ListOrNone(fence.effective_capabilities()),
                      fence.no_new_privs() ? "; no_new_privs" : "", "; seccomp ",
                      fence.seccomp_profile(), "; landlock ", LandlockInWords(fence.landlock()),
                      "; own ", absl::StrJoin(fence.namespaces(), " "), " namespaces; limits ",
                      LimitsInWords(fence), "; writable ", ListOrNone(fence.writable_paths()));
}

std::string StartInWords(const v1::StartPhases& phases) {
  return absl::StrCat(
      MeasuredInWords(ToDuration(phases.total())), " (plan ",
      MeasuredInWords(ToDuration(phases.plan())), ", record ",
      MeasuredInWords(ToDuration(phases.record())),
      phases.has_artifacts()
          ? absl::StrCat(", artifacts ", MeasuredInWords(ToDuration(phases.artifacts())))
          : "",
      ", launch ", MeasuredInWords(ToDuration(phases.launch())), ")");
}

}  // namespace cloister
