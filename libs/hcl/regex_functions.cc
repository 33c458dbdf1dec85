// regex, regex_replace, regexall: RE2's syntax, which takes time in proportion to the text.
#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/function_groups.h"

namespace cloister::hcl {
namespace {

constexpr size_t kLongestPattern = 1000;
constexpr int64_t kMemory = 1 << 20;
// A search costs up to the product of the pattern's and the text's size; this is what is charged
// for a byte of text.
constexpr uint64_t kBytesPerCharge = 8;

absl::StatusOr<std::unique_ptr<RE2>> Compile(const std::string& pattern) {
  if (pattern.size() > kLongestPattern) {
    return absl::InvalidArgumentError(
        absl::StrCat("a pattern may have at most ", kLongestPattern, " bytes."));
  }
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kMemory);
  auto regex = std::make_unique<RE2>(pattern, options);
  if (!regex->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the pattern is not valid: ", regex->error(), "."));
  }
  return regex;
}

// Finds one match after another.
class Matches {
 public:
  Matches(const RE2& regex, const std::string& text, FunctionBudget& budget)
      : regex_(regex), text_(text), groups_(regex.NumberOfCapturingGroups() + 1), budget_(budget) {}

  // False if there is no further one.
  absl::StatusOr<bool> Next() {
    if (at_ > text_.size()) return false;
    const uint64_t rest = text_.size() - at_;
    CLOISTER_RETURN_IF_ERROR(
        budget_.Spend(groups_.size() + rest * (1 + regex_.pattern().size() / kBytesPerCharge)));
    if (!regex_.Match(text_, at_, text_.size(), RE2::UNANCHORED, groups_.data(),
                      static_cast<int>(groups_.size()))) {
      return false;
    }
    const size_t end = EndOf(groups_[0]);
    // An empty match must not be found again; nor may the search begin within a character.
    at_ = std::max(end, at_);
    if (groups_[0].empty()) {
      ++at_;
      while (at_ < text_.size() && (static_cast<uint8_t>(text_[at_]) & 0xc0) == 0x80) ++at_;
    }
    return true;
  }

  const std::vector<re2::StringPiece>& groups() const { return groups_; }
  size_t start() const { return groups_[0].data() - text_.data(); }
  size_t EndOf(const re2::StringPiece& group) const {
    return group.data() - text_.data() + group.size();
  }

 private:
  const RE2& regex_;
  const std::string& text_;
  size_t at_ = 0;
  std::vector<re2::StringPiece> groups_;
  FunctionBudget& budget_;
};

Value GroupValue(const re2::StringPiece& group) {
  // A group that took no part is null.
  return group.data() == nullptr ? Value() : Value::String(std::string(group.data(), group.size()));
}

// The match itself, or its groups: a list, or an object if they have names.
absl::StatusOr<Value> MatchValue(const RE2& regex, const Matches& match, FunctionBudget& budget) {
  for (const re2::StringPiece& group : match.groups()) {
    CLOISTER_RETURN_IF_ERROR(budget.Spend(group.size() + Value().weight()));
  }
  if (match.groups().size() == 1) return GroupValue(match.groups()[0]);
  const std::map<std::string, int>& names = regex.NamedCapturingGroups();
  if (names.empty()) {
    Value::Elements elements;
    for (size_t i = 1; i < match.groups().size(); ++i) {
      elements.push_back(GroupValue(match.groups()[i]));
    }
    return Value::Tuple(std::move(elements));
  }
  if (names.size() + 1 != match.groups().size()) {
    return absl::InvalidArgumentError("either all groups of the pattern have names, or none.");
  }
  Value::Attributes attributes;
  for (const auto& [name, index] : names)
    attributes.emplace(name, GroupValue(match.groups()[index]));
  return Value::Object(std::move(attributes));
}

absl::StatusOr<Value> Regex(const FunctionCall& call) {
  CLOISTER_ASSIGN_OR_RETURN(const std::unique_ptr<RE2> regex, Compile(call.arguments[0].text()));
  Matches match(*regex, call.arguments[1].text(), *call.budget);
  CLOISTER_ASSIGN_OR_RETURN(const bool found, match.Next());
  if (!found) return absl::InvalidArgumentError("the pattern did not match any part of the text.");
  return MatchValue(*regex, match, *call.budget);
}

absl::StatusOr<Value> RegexAll(const FunctionCall& call) {
  CLOISTER_ASSIGN_OR_RETURN(const std::unique_ptr<RE2> regex, Compile(call.arguments[0].text()));
  Matches match(*regex, call.arguments[1].text(), *call.budget);
  Value::Elements elements;
  while (true) {
    CLOISTER_ASSIGN_OR_RETURN(const bool found, match.Next());
    if (!found) return Value::Tuple(std::move(elements));
    CLOISTER_ASSIGN_OR_RETURN(Value value, MatchValue(*regex, match, *call.budget));
    elements.push_back(std::move(value));
  }
}

// The name behind a '$' and how much of the text it takes: "1", "name", "{name}".
absl::string_view TakeGroupName(absl::string_view& text) {
  const bool braces = text.substr(0, 1) == "{";
  const absl::string_view rest = text.substr(braces ? 1 : 0);
  size_t size = 0;
  while (size < rest.size() && (absl::ascii_isalnum(rest[size]) || rest[size] == '_')) ++size;
  if (size == 0 || (braces && rest.substr(size, 1) != "}")) return "";
  text.remove_prefix(size + (braces ? 2 : 0));
  return rest.substr(0, size);
}

// $1, $name, ${1}, ${name} stand for groups, $$ for $; an unknown group is empty.
absl::Status AppendReplacement(const RE2& regex, const Matches& match,
                               absl::string_view replacement, FunctionBudget& budget,
                               std::string& out) {
  while (!replacement.empty()) {
    const size_t dollar = std::min(replacement.find('$'), replacement.size());
    CLOISTER_RETURN_IF_ERROR(budget.Spend(dollar + 1));
    absl::StrAppend(&out, replacement.substr(0, dollar));
    replacement.remove_prefix(dollar);
    if (replacement.empty()) break;
    replacement.remove_prefix(1);
    if (replacement.substr(0, 1) == "$") {
      out += '$';
      replacement.remove_prefix(1);
      continue;
    }
    const absl::string_view name = TakeGroupName(replacement);
    if (name.empty()) {
      out += '$';
      continue;
    }
    size_t index = match.groups().size();
    const auto named = regex.NamedCapturingGroups().find(std::string(name));
    if (named != regex.NamedCapturingGroups().end()) {
      index = named->second;
    } else if (name.size() <= 3 && std::all_of(name.begin(), name.end(), absl::ascii_isdigit)) {
      index = 0;
      for (const char c : name) index = index * 10 + (c - '0');
    }
    if (index >= match.groups().size()) continue;
    const re2::StringPiece& group = match.groups()[index];
    CLOISTER_RETURN_IF_ERROR(budget.Spend(group.size()));
    out.append(group.data() == nullptr ? "" : group.data(), group.size());
  }
  return absl::OkStatus();
}

absl::StatusOr<Value> RegexReplace(const FunctionCall& call) {
  const std::string& text = call.arguments[0].text();
  CLOISTER_ASSIGN_OR_RETURN(const std::unique_ptr<RE2> regex, Compile(call.arguments[1].text()));
  Matches match(*regex, text, *call.budget);
  std::string result;
  size_t copied = 0;
  while (true) {
    CLOISTER_ASSIGN_OR_RETURN(const bool found, match.Next());
    if (!found) break;
    result.append(text, copied, match.start() - copied);
    copied = match.EndOf(match.groups()[0]);
    CLOISTER_RETURN_IF_ERROR(
        AppendReplacement(*regex, match, call.arguments[2].text(), *call.budget, result));
  }
  result.append(text, copied, std::string::npos);
  return Value::String(std::move(result));
}

constexpr Function kFunctions[] = {
    {"regex", "regex(pattern, text)", "ss", Regex},
    {"regex_replace", "regex_replace(text, pattern, replacement)", "sss", RegexReplace},
    {"regexall", "regexall(pattern, text)", "ss", RegexAll},
};

}  // namespace

absl::Span<const Function> RegexFunctions() { return kFunctions; }

}  // namespace cloister::hcl
