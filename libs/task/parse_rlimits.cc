#include "libs/task/parse_rlimits.h"

#include <sys/resource.h>

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cloister::task {
namespace {

struct Name {
  absl::string_view text;
  uint32_t resource;
};

constexpr Name kNames[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},       {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},       {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK}};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == RLIM_NLIMITS, "every limit has a name");

uint64_t ParseValue(const std::string& field, const std::string& text, Violations* violations) {
  const absl::optional<uint64_t> value = ParseRlimitValue(text);
  if (!value)
    violations->Add(field, "must be a number or \"unlimited\" but is '", Shown(text), "'");
  return value.value_or(0);
}

void CheckValues(const std::string& field, const Rlimit& rlimit, Violations* violations) {
  if (rlimit.soft > rlimit.hard) {
    violations->Add(absl::StrCat(field, ".soft"), "is above the hard limit");
  }
  if (rlimit.resource == RLIMIT_NOFILE && rlimit.soft < kLeastOpenFiles) {
    violations->Add(absl::StrCat(field, ".soft"), "must be at least ", kLeastOpenFiles,
                    ", or the task could not be started");
  }
}

}  // namespace

absl::optional<uint32_t> RlimitNumber(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  const absl::string_view plain = absl::StripPrefix(lower, "rlimit_");
  for (const Name& known : kNames) {
    if (known.text == plain) return known.resource;
  }
  return absl::nullopt;
}

absl::optional<uint64_t> ParseRlimitValue(absl::string_view text) {
  if (text == "unlimited") return RLIM_INFINITY;
  uint64_t value = 0;
  // SimpleAtoi alone would take signs and spaces.
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return absl::nullopt;
  }
  if (!absl::SimpleAtoi(text, &value)) return absl::nullopt;
  return value;
}

std::vector<Rlimit> ParseRlimits(const v1::TaskConfig& config, Violations* violations) {
  std::vector<Rlimit> rlimits;
  std::set<uint32_t> seen;
  // No more than there are names, hence bounded.
  if (config.config().rlimits_size() > RLIM_NLIMITS) {
    violations->Add("config.rlimits", "has ", config.config().rlimits_size(), " entries, at most ",
                    RLIM_NLIMITS);
    return rlimits;
  }
  for (int i = 0; i < config.config().rlimits_size(); ++i) {
    const v1::Rlimit& asked = config.config().rlimits(i);
    const std::string field = absl::StrCat("config.rlimits[", i, "]");
    const absl::optional<uint32_t> resource = RlimitNumber(asked.name());
    if (!resource) {
      violations->Add(absl::StrCat(field, ".name"), "'", Shown(asked.name()),
                      "' is no limit of getrlimit(2)");
    } else if (!seen.insert(*resource).second) {
      violations->Add(absl::StrCat(field, ".name"), "another entry limits it, too");
    }
    if (asked.soft().empty() && asked.hard().empty()) {
      violations->Add(field, "needs soft or hard");
      continue;
    }
    Rlimit rlimit;
    rlimit.resource = resource.value_or(0);
    const bool soft = !asked.soft().empty();
    const bool hard = !asked.hard().empty();
    if (soft) rlimit.soft = ParseValue(absl::StrCat(field, ".soft"), asked.soft(), violations);
    if (hard) rlimit.hard = ParseValue(absl::StrCat(field, ".hard"), asked.hard(), violations);
    if (!soft) rlimit.soft = rlimit.hard;
    if (!hard) rlimit.hard = rlimit.soft;
    if (resource) CheckValues(field, rlimit, violations);
    rlimits.push_back(rlimit);
  }
  return rlimits;
}

}  // namespace cloister::task
