#include "libs/task/constraint.h"

#include <re2/re2.h>

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "libs/base/error_reason.h"
#include "libs/task/version_text.h"

namespace cloister::task {
namespace {

// With its references replaced.
constexpr size_t kMaxTextBytes = 16 << 10;
constexpr int kMaxJudged = 64;
constexpr int64_t kMaxRegexpMemory = 1 << 20;

struct Sides {
  // None: the node has no such attribute.
  absl::optional<std::string> attribute;
  absl::optional<std::string> value;
};

std::string Shown(absl::string_view text) {
  return absl::StrCat(absl::CHexEscape(text.substr(0, 128)), text.size() > 128 ? "..." : "");
}

// The text with its references replaced; none if the node lacks an attribute that it names.
absl::StatusOr<absl::optional<std::string>> Resolve(absl::string_view text,
                                                    const NameTable& names) {
  absl::StatusOr<std::vector<TextPiece>> pieces = SplitReferences(text);
  if (!pieces.ok()) return pieces.status();
  bool lacking = false;
  for (const TextPiece& piece : *pieces) {
    if (!piece.is_reference || names.Find(piece.text) != nullptr) continue;
    const bool may_lack =
        absl::StartsWith(piece.text, "attr.") || absl::StartsWith(piece.text, "meta.");
    if (!may_lack) return absl::InvalidArgumentError(names.Unknown(piece.text));
    lacking = true;
  }
  if (lacking) return absl::optional<std::string>();
  absl::StatusOr<std::string> replaced = ReplaceReferences(text, names, kMaxTextBytes);
  if (!replaced.ok()) return replaced.status();
  return absl::optional<std::string>(*std::move(replaced));
}

bool IsEqual(absl::string_view op) { return op.empty() || op == "=" || op == "==" || op == "is"; }

template <typename T>
bool InOrder(absl::string_view op, const T& a, const T& b) {
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  return a >= b;
}

bool CompareOrder(absl::string_view op, const std::string& a, const std::string& b) {
  int64_t whole_a = 0;
  int64_t whole_b = 0;
  if (absl::SimpleAtoi(a, &whole_a) && absl::SimpleAtoi(b, &whole_b)) {
    return InOrder(op, whole_a, whole_b);
  }
  double real_a = 0;
  double real_b = 0;
  if (absl::SimpleAtod(a, &real_a) && absl::SimpleAtod(b, &real_b)) {
    return InOrder(op, real_a, real_b);
  }
  return InOrder(op, a, b);
}

absl::StatusOr<bool> MatchesRegexp(const std::string& text, const std::string& pattern) {
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kMaxRegexpMemory);
  const RE2 regexp(pattern, options);
  if (!regexp.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("is no regular expression: ", Shown(regexp.error())));
  }
  return RE2::PartialMatch(text, regexp);
}

std::set<absl::string_view> SetOf(absl::string_view list) {
  std::set<absl::string_view> set;
  for (absl::string_view item : absl::StrSplit(list, ',')) {
    set.insert(absl::StripAsciiWhitespace(item));
  }
  return set;
}

bool ContainsSet(absl::string_view op, absl::string_view has, absl::string_view wanted) {
  const std::set<absl::string_view> there = SetOf(has);
  const bool any = op == "set_contains_any";
  for (absl::string_view item : SetOf(wanted)) {
    if ((there.count(item) > 0) == any) return any;
  }
  return !any;
}

absl::StatusOr<bool> SatisfiesBounds(absl::string_view op, const std::string& text,
                                     const std::string& bounds) {
  const VersionRule rule = op == "semver" ? VersionRule::kSemver : VersionRule::kVersion;
  const absl::optional<Version> version = ParseVersion(text);
  // Also to find out whether the bounds are some.
  const absl::StatusOr<bool> satisfied =
      SatisfiesVersions(version.value_or(Version()), bounds, rule);
  if (!satisfied.ok()) return satisfied;
  return version.has_value() && *satisfied;
}

absl::StatusOr<bool> Holds(absl::string_view op, const Sides& sides) {
  if (op == "is_set") return sides.attribute.has_value();
  if (op == "is_not_set") return !sides.attribute.has_value();
  if (op == "!=" || op == "not") return sides.attribute != sides.value;
  if (!sides.value.has_value()) return false;
  const bool found = sides.attribute.has_value();
  const std::string attribute = sides.attribute.value_or("");
  absl::StatusOr<bool> holds = true;
  if (IsEqual(op)) {
    holds = attribute == *sides.value;
  } else if (op == "regexp") {
    holds = MatchesRegexp(attribute, *sides.value);
  } else if (op == "version" || op == "semver") {
    holds = SatisfiesBounds(op, attribute, *sides.value);
  } else if (absl::StartsWith(op, "set_contains")) {
    holds = ContainsSet(op, attribute, *sides.value);
  } else if (absl::StartsWith(op, "<") || absl::StartsWith(op, ">")) {
    holds = CompareOrder(op, attribute, *sides.value);
  }
  if (!holds.ok()) return holds;
  return *holds && found;
}

std::string Sentence(int index, const v1::Constraint& constraint, const Sides& sides) {
  const absl::string_view op = constraint.operator_();
  std::string wanted = absl::StrCat(Shown(constraint.attribute()), " ", op.empty() ? "=" : op);
  if (op != "is_set" && op != "is_not_set") {
    absl::StrAppend(&wanted, " '", Shown(constraint.value()), "'");
  }
  const std::string found = sides.attribute.has_value()
                                ? absl::StrCat("it is '", Shown(*sides.attribute), "' here")
                                : "this node does not have it";
  return absl::StrCat("constraints[", index, "] is not met: ", wanted, ", but ", found);
}

}  // namespace

ConstraintsJudged JudgeConstraints(
    const google::protobuf::RepeatedPtrField<v1::Constraint>& constraints, const NameTable& names) {
  ConstraintsJudged judged;
  std::vector<std::string> unmet;
  for (int i = 0; i < constraints.size() && i < kMaxJudged; ++i) {
    const v1::Constraint& constraint = constraints[i];
    const std::string field = absl::StrCat("constraints[", i, "]");
    if (constraint.attribute().empty()) {
      judged.violations.push_back({absl::StrCat(field, ".attribute"), "must be provided"});
      continue;
    }
    const auto attribute = Resolve(constraint.attribute(), names);
    const auto value = Resolve(constraint.value(), names);
    for (const auto& [side, name] :
         {std::make_pair(&attribute, ".attribute"), std::make_pair(&value, ".value")}) {
      if (side->ok()) continue;
      judged.violations.push_back(
          {absl::StrCat(field, name), std::string(side->status().message())});
    }
    if (!attribute.ok() || !value.ok()) continue;
    const Sides sides = {*attribute, *value};
    const absl::StatusOr<bool> holds = Holds(constraint.operator_(), sides);
    if (!holds.ok()) {
      judged.violations.push_back(
          {absl::StrCat(field, ".value"), std::string(holds.status().message())});
    } else if (!*holds) {
      unmet.push_back(Sentence(i, constraint, sides));
    }
  }
  if (!unmet.empty()) {
    judged.unmet =
        WithReason(absl::FailedPreconditionError(absl::StrJoin(unmet, "; ")), "CONSTRAINT_NOT_MET");
  }
  return judged;
}

}  // namespace cloister::task
