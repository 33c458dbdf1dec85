#include "tools/cloister/flags.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace cloister {
namespace {

std::string Canonical(absl::string_view name) { return absl::StrReplaceAll(name, {{"_", "-"}}); }

std::string Spelled(const FlagSet::Flag& flag) { return absl::StrCat("--", flag.name); }

absl::Status Named(const std::string& spelled, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat(spelled, ": ", status.message()));
}

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

void AppendWrapped(absl::string_view text, size_t indent, size_t columns, std::string* out) {
  size_t used = indent;
  bool first = true;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!first && used + 1 + word.size() > columns) {
      absl::StrAppend(out, "\n", std::string(indent, ' '));
      used = indent;
      first = true;
    }
    if (!first) {
      absl::StrAppend(out, " ");
      ++used;
    }
    absl::StrAppend(out, word);
    used += word.size();
    first = false;
  }
}

}  // namespace

void FlagSet::Add(Flag flag) {
  flag.name = Canonical(flag.name);
  flags_.push_back(std::move(flag));
}

void FlagSet::Switch(absl::string_view name, bool* variable, absl::string_view help, char letter) {
  auto set = [variable](const std::string& value) {
    if (value != "true" && value != "false") {
      return absl::InvalidArgumentError(absl::StrCat("'", value, "': not true or false"));
    }
    *variable = value == "true";
    return absl::OkStatus();
  };
  Add({std::string(name), letter, "", std::string(help), set});
}

void FlagSet::Text(absl::string_view name, std::string* variable, absl::string_view placeholder,
                   absl::string_view help, char letter) {
  auto set = [variable](const std::string& value) {
    *variable = value;
    return absl::OkStatus();
  };
  Add({std::string(name), letter, std::string(placeholder), std::string(help), set});
}

void FlagSet::Choice(absl::string_view name, std::string* variable,
                     std::vector<std::string> choices, absl::string_view help) {
  std::string placeholder = absl::StrJoin(choices, "|");
  auto set = [variable, choices = std::move(choices)](const std::string& value) {
    if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", value, "': not one of ", absl::StrJoin(choices, ", ")));
    }
    *variable = value;
    return absl::OkStatus();
  };
  Add({std::string(name), 0, std::move(placeholder), std::string(help), set});
}

void FlagSet::Number(absl::string_view name, absl::optional<int64_t>* variable, int64_t min,
                     int64_t max, absl::string_view placeholder, absl::string_view help) {
  auto set = [variable, min, max](const std::string& value) {
    int64_t number;
    if (!absl::SimpleAtoi(value, &number)) {
      return absl::InvalidArgumentError(absl::StrCat("'", value, "': not a whole number"));
    }
    if (number < min || number > max) {
      return absl::InvalidArgumentError(absl::StrCat(number, ": not between ", min, " and ", max));
    }
    *variable = number;
    return absl::OkStatus();
  };
  Add({std::string(name), 0, std::string(placeholder), std::string(help), set});
}

void FlagSet::Duration(absl::string_view name, absl::optional<absl::Duration>* variable,
                       absl::string_view help) {
  auto set = [variable](const std::string& value) {
    absl::StatusOr<absl::Duration> duration = ParseDuration(value);
    if (!duration.ok()) return duration.status();
    *variable = *duration;
    return absl::OkStatus();
  };
  Add({std::string(name), 0, "DURATION", std::string(help), set});
}

void FlagSet::Repeated(absl::string_view name, std::vector<std::string>* variable,
                       absl::string_view placeholder, absl::string_view help, char letter) {
  auto set = [variable](const std::string& value) {
    variable->push_back(value);
    return absl::OkStatus();
  };
  Add({std::string(name), letter, std::string(placeholder), std::string(help), set});
}

const FlagSet::Flag* FlagSet::Find(absl::string_view name) const {
  const std::string canonical = Canonical(name);
  for (const Flag& flag : flags_) {
    if (flag.name == canonical) return &flag;
  }
  return nullptr;
}

const FlagSet::Flag* FlagSet::FindLetter(char letter) const {
  for (const Flag& flag : flags_) {
    if (flag.letter == letter) return &flag;
  }
  return nullptr;
}

absl::Status FlagSet::Unknown(absl::string_view name) const {
  std::vector<std::string> names;
  for (const Flag& flag : flags_) names.push_back(flag.name);
  const std::string nearest = NearestWord(Canonical(name), names);
  return absl::InvalidArgumentError(absl::StrCat("unknown flag --", name,
                                                 nearest.empty() ? "" : "; is --", nearest,
                                                 nearest.empty() ? "" : " meant?"));
}

absl::Status FlagSet::ParseLong(const std::vector<std::string>& words, size_t* index) const {
  const absl::string_view word = absl::string_view(words[*index]).substr(2);
  ++*index;
  const size_t equals = word.find('=');
  const absl::string_view name = word.substr(0, equals);
  const Flag* flag = Find(name);
  if (flag == nullptr) return Unknown(name);
  if (equals != absl::string_view::npos)
    return Named(Spelled(*flag), flag->set(std::string(word.substr(equals + 1))));
  if (flag->placeholder.empty()) return flag->set("true");
  // A word that is itself a flag was hardly meant as a value; one that is can be given with '='.
  if (*index == words.size() || absl::StartsWith(words[*index], "--")) {
    return absl::InvalidArgumentError(
        absl::StrCat(Spelled(*flag), ": needs a value, ", flag->placeholder));
  }
  return Named(Spelled(*flag), flag->set(words[(*index)++]));
}

absl::Status FlagSet::ParseLetters(const std::vector<std::string>& words, size_t* index) const {
  const std::string& word = words[*index];
  ++*index;
  for (size_t i = 1; i < word.size(); ++i) {
    const std::string spelled = absl::StrCat("-", absl::string_view(&word[i], 1));
    const Flag* flag = FindLetter(word[i]);
    if (flag == nullptr) {
      if (word.size() > 2 && Find(word.substr(1)) != nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("unknown flag ", word, "; is -", word, " meant?"));
      }
      return absl::InvalidArgumentError(absl::StrCat("unknown flag ", spelled));
    }
    if (flag->placeholder.empty()) {
      absl::Status status = flag->set("true");
      if (!status.ok()) return Named(spelled, status);
      continue;
    }
    if (i + 1 < word.size()) return Named(spelled, flag->set(word.substr(i + 1)));
    if (*index == words.size() || absl::StartsWith(words[*index], "--")) {
      return absl::InvalidArgumentError(
          absl::StrCat(spelled, ": needs a value, ", flag->placeholder));
    }
    return Named(spelled, flag->set(words[(*index)++]));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FlagSet::Parse(
    const std::vector<std::string>& words) const {
  std::vector<std::string> arguments;
  size_t index = 0;
  while (index < words.size()) {
    const std::string& word = words[index];
    if (word == "--") {
      if (behind_dashes_ != nullptr) *behind_dashes_ = arguments.empty();
      arguments.insert(arguments.end(), words.begin() + index + 1, words.end());
      return arguments;
    }
    absl::Status status;
    if (absl::StartsWith(word, "--")) {
      status = ParseLong(words, &index);
    } else if (word.size() > 1 && word[0] == '-') {
      status = ParseLetters(words, &index);
    } else if (stop_at_first_argument_) {
      arguments.insert(arguments.end(), words.begin() + index, words.end());
      return arguments;
    } else {
      arguments.push_back(word);
      ++index;
    }
    if (!status.ok()) return status;
  }
  return arguments;
}

std::string FlagSet::Help(size_t columns) const {
  std::vector<std::string> left;
  size_t widest = 0;
  for (const Flag& flag : flags_) {
    const std::string letter =
        flag.letter == 0 ? "    " : absl::StrCat("-", absl::string_view(&flag.letter, 1), ", ");
    left.push_back(absl::StrCat("  ", letter, "--", flag.name, flag.placeholder.empty() ? "" : " ",
                                flag.placeholder));
    widest = std::max(widest, left.back().size());
  }
  const size_t indent = std::min<size_t>(widest + 2, 34);
  std::string out;
  for (size_t i = 0; i < flags_.size(); ++i) {
    absl::StrAppend(&out, left[i]);
    if (left[i].size() + 2 > indent) {
      absl::StrAppend(&out, "\n", std::string(indent, ' '));
    } else {
      absl::StrAppend(&out, std::string(indent - left[i].size(), ' '));
    }
    AppendWrapped(flags_[i].help, indent, columns, &out);
    absl::StrAppend(&out, "\n");
  }
  return out;
}

absl::StatusOr<absl::Duration> ParseDuration(const std::string& text) {
  absl::Duration duration;
  double seconds;
  if (absl::SimpleAtod(text, &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &duration)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "': not a duration such as 5s, 1m30s or 500ms"));
  }
  if (duration < absl::ZeroDuration() || duration == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "': must be finite and not negative"));
  }
  return duration;
}

std::string NearestWord(absl::string_view word, const std::vector<std::string>& candidates) {
  std::string nearest;
  // A third of the letters may be wrong, two at least: "mem" is not near "memory", but its
  // beginning.
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    size_t distance = EditDistance(word, candidate);
    if (word.size() >= 3 && absl::StartsWith(candidate, word)) distance = 1;
    if (distance < least && distance < candidate.size()) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace cloister
