#include "libs/task/version_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxVersionBytes = 256;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return absl::ascii_isdigit(c); });
}

bool IsPrereleaseText(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '~' || c == '_';
  });
}

int Sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

// Digits of any length as numbers.
int CompareDigits(absl::string_view a, absl::string_view b) {
  while (absl::ConsumePrefix(&a, "0")) {
  }
  while (absl::ConsumePrefix(&b, "0")) {
  }
  if (a.size() != b.size()) return Sign(a.size() < b.size(), true);
  return Sign(a<b, a> b);
}

int ComparePrereleases(absl::string_view a, absl::string_view b) {
  if (a.empty() || b.empty()) return Sign(!a.empty() && b.empty(), a.empty() && !b.empty());
  const std::vector<absl::string_view> parts_a = absl::StrSplit(a, '.');
  const std::vector<absl::string_view> parts_b = absl::StrSplit(b, '.');
  for (size_t i = 0; i < parts_a.size() && i < parts_b.size(); ++i) {
    const bool number_a = IsDigits(parts_a[i]);
    const bool number_b = IsDigits(parts_b[i]);
    int order = Sign(number_a && !number_b, !number_a && number_b);
    if (number_a && number_b) order = CompareDigits(parts_a[i], parts_b[i]);
    if (!number_a && !number_b) order = Sign(parts_a[i]<parts_b[i], parts_a[i]> parts_b[i]);
    if (order != 0) return order;
  }
  return Sign(parts_a.size() < parts_b.size(), parts_a.size() > parts_b.size());
}

uint64_t NumberAt(const Version& version, size_t i) {
  return i < version.numbers.size() ? version.numbers[i] : 0;
}

int CompareNumbers(const Version& a, const Version& b) {
  for (size_t i = 0; i < std::max(a.numbers.size(), b.numbers.size()); ++i) {
    if (NumberAt(a, i) != NumberAt(b, i)) return NumberAt(a, i) < NumberAt(b, i) ? -1 : 1;
  }
  return 0;
}

// "~> 1.2.3": all numbers but the last one stay.
bool IsWithin(const Version& version, const Version& bound) {
  for (size_t i = 0; i + 1 < bound.numbers.size(); ++i) {
    if (NumberAt(version, i) != bound.numbers[i]) return false;
  }
  return CompareVersions(version, bound) >= 0;
}

bool IsComparable(const Version& version, const Version& bound) {
  if (version.prerelease.empty()) return true;
  return !bound.prerelease.empty() && CompareNumbers(version, bound) == 0;
}

bool Satisfies(const Version& version, absl::string_view op, const Version& bound,
               VersionRule rule) {
  const int order = CompareVersions(version, bound);
  if (op.empty() || op == "=") return order == 0;
  if (op == "!=") return order != 0;
  if (rule == VersionRule::kVersion && !IsComparable(version, bound)) return false;
  if (op == "~>") return IsWithin(version, bound);
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  return order >= 0;
}

}  // namespace

absl::optional<Version> ParseVersion(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.size() > kMaxVersionBytes) return absl::nullopt;
  if (!absl::ConsumePrefix(&text, "v")) absl::ConsumePrefix(&text, "V");
  text = text.substr(0, text.find('+'));
  Version version;
  const size_t dash = text.find('-');
  if (dash != absl::string_view::npos) {
    version.prerelease = std::string(text.substr(dash + 1));
    text = text.substr(0, dash);
    if (version.prerelease.empty() || !IsPrereleaseText(version.prerelease)) return absl::nullopt;
  }
  for (absl::string_view part : absl::StrSplit(text, '.')) {
    uint64_t number = 0;
    if (!IsDigits(part) || !absl::SimpleAtoi(part, &number)) return absl::nullopt;
    version.numbers.push_back(number);
  }
  return version;
}

int CompareVersions(const Version& a, const Version& b) {
  const int numbers = CompareNumbers(a, b);
  return numbers != 0 ? numbers : ComparePrereleases(a.prerelease, b.prerelease);
}

absl::StatusOr<bool> SatisfiesVersions(const Version& version, absl::string_view bounds,
                                       VersionRule rule) {
  bool satisfied = true;
  for (absl::string_view bound : absl::StrSplit(bounds, ',')) {
    bound = absl::StripAsciiWhitespace(bound);
    const size_t size = std::min(bound.find_first_not_of("=!<>~"), bound.size());
    const absl::string_view op = bound.substr(0, size);
    const absl::optional<Version> than = ParseVersion(bound.substr(size));
    bool known = false;
    for (absl::string_view word : {"", "=", "!=", "<", "<=", ">", ">=", "~>"}) {
      known = known || op == word;
    }
    if (!known || !than.has_value() || (op == "~>" && rule == VersionRule::kSemver)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", absl::CHexEscape(bound.substr(0, 48)), "' is no version bound",
                       rule == VersionRule::kVersion ? " such as '>= 1.2' or '~> 1.2.3'"
                                                     : " such as '>= 1.2.0'"));
    }
    satisfied = satisfied && Satisfies(version, op, *than, rule);
  }
  return satisfied;
}

}  // namespace cloister::task
