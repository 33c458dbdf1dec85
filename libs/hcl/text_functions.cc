// basename, chomp, dirname, indent, join, lower, replace, split, strlen, strrev, substr, title,
// trim, trimprefix, trimspace, trimsuffix, upper
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/function_groups.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

const std::string& TextOf(const FunctionCall& call, size_t index) {
  return call.arguments[index].text();
}

// The bytes of each character.
std::vector<absl::string_view> Characters(absl::string_view text) {
  std::vector<absl::string_view> characters;
  while (!text.empty()) {
    const size_t size = std::max<size_t>(1, FirstCodePoint(text).size);
    characters.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return characters;
}

absl::StatusOr<Value> MapCharacters(absl::string_view text, uint32_t (*map)(uint32_t)) {
  std::string result;
  for (const absl::string_view character : Characters(text)) {
    AppendUtf8(map(FirstCodePoint(character).value), result);
  }
  return Value::String(std::move(result));
}

absl::StatusOr<Value> Lower(const FunctionCall& call) {
  return MapCharacters(TextOf(call, 0), ToLower);
}

absl::StatusOr<Value> Upper(const FunctionCall& call) {
  return MapCharacters(TextOf(call, 0), ToUpper);
}

absl::StatusOr<Value> Title(const FunctionCall& call) {
  std::string result;
  bool at_word_start = true;
  for (const absl::string_view character : Characters(TextOf(call, 0))) {
    const uint32_t point = FirstCodePoint(character).value;
    AppendUtf8(at_word_start ? ToUpper(point) : point, result);
    at_word_start = !IsNameContinue(point) && point != '\'';
    at_word_start = at_word_start || point == '-';
  }
  return Value::String(std::move(result));
}

absl::StatusOr<Value> Chomp(const FunctionCall& call) {
  absl::string_view text = TextOf(call, 0);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return Value::String(std::string(text));
}

absl::StatusOr<Value> Indent(const FunctionCall& call) {
  const int64_t spaces = call.arguments[0].integer();
  if (spaces < 0) return absl::InvalidArgumentError("the number of spaces may not be negative.");
  const std::string& text = TextOf(call, 1);
  const uint64_t lines = std::count(text.begin(), text.end(), '\n');
  const uint64_t width = std::min<uint64_t>(spaces, UINT32_MAX);
  CLOISTER_RETURN_IF_ERROR(call.budget->Spend(text.size() + lines * width));
  if (lines == 0) return call.arguments[1];
  return Value::String(absl::StrReplaceAll(text, {{"\n", "\n" + std::string(width, ' ')}}));
}

// join(separator, list, ...): deferred text is joined too, as text.
absl::StatusOr<Value> Join(const FunctionCall& call) {
  const std::string& separator = TextOf(call, 0);
  std::string result;
  bool first = true;
  bool deferred = call.arguments[0].IsDeferred();
  for (const Value& list : call.arguments.subspan(1)) {
    if (!list.IsTuple()) {
      return absl::InvalidArgumentError(
          absl::StrCat("after the separator stand lists; this is ", KindInWords(list.kind()), "."));
    }
    for (const Value& element : list.elements()) {
      const absl::optional<std::string> text = element.ToText();
      if (!text) {
        return absl::InvalidArgumentError(absl::StrCat("the elements must be strings; one is ",
                                                       KindInWords(element.kind()), "."));
      }
      CLOISTER_RETURN_IF_ERROR(call.budget->Spend(text->size() + separator.size()));
      if (!first) result += separator;
      first = false;
      result += *text;
      deferred = deferred || element.IsDeferred();
    }
  }
  return deferred ? Value::DeferredString(std::move(result)) : Value::String(std::move(result));
}

// How often `part`, which is not empty, is in the text.
uint64_t CountOf(absl::string_view part, absl::string_view text) {
  uint64_t count = 0;
  for (size_t at = text.find(part); at != absl::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

// The empty text is before each character and at the end.
std::string Interleave(absl::string_view text, absl::string_view replacement) {
  std::string result(replacement);
  for (const absl::string_view character : Characters(text)) {
    absl::StrAppend(&result, character, replacement);
  }
  return result;
}

absl::StatusOr<Value> Replace(const FunctionCall& call) {
  const std::string& text = TextOf(call, 0);
  const std::string& search = TextOf(call, 1);
  const std::string& replacement = TextOf(call, 2);
  const uint64_t count = search.empty() ? text.size() + 1 : CountOf(search, text);
  CLOISTER_RETURN_IF_ERROR(call.budget->Spend(text.size() + count * replacement.size()));
  if (search.empty()) return Value::String(Interleave(text, replacement));
  return Value::String(absl::StrReplaceAll(text, {{search, replacement}}));
}

absl::StatusOr<Value> Split(const FunctionCall& call) {
  const std::string& separator = TextOf(call, 0);
  absl::string_view text = TextOf(call, 1);
  const uint64_t count = separator.empty() ? text.size() : CountOf(separator, text) + 1;
  CLOISTER_RETURN_IF_ERROR(call.budget->Spend(text.size() + count * Value().weight()));
  Value::Elements parts;
  if (separator.empty()) {
    for (const absl::string_view character : Characters(text)) {
      parts.push_back(Value::String(std::string(character)));
    }
    return Value::Tuple(std::move(parts));
  }
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(Value::String(std::string(text.substr(0, end))));
    if (end == absl::string_view::npos) return Value::Tuple(std::move(parts));
    text.remove_prefix(end + separator.size());
  }
}

absl::StatusOr<Value> StrLen(const FunctionCall& call) {
  return Value::Int(static_cast<int64_t>(CountCodePoints(TextOf(call, 0))));
}

absl::StatusOr<Value> StrRev(const FunctionCall& call) {
  std::vector<absl::string_view> characters = Characters(TextOf(call, 0));
  std::string result;
  for (auto it = characters.rbegin(); it != characters.rend(); ++it) absl::StrAppend(&result, *it);
  return Value::String(std::move(result));
}

// substr(text, offset, length): an offset below 0 counts from the end, the length -1 is all the
// rest.
absl::StatusOr<Value> SubStr(const FunctionCall& call) {
  const std::vector<absl::string_view> characters = Characters(TextOf(call, 0));
  const int64_t size = static_cast<int64_t>(characters.size());
  int64_t offset = call.arguments[1].integer();
  const int64_t length = call.arguments[2].integer();
  if (length < -1)
    return absl::InvalidArgumentError("the length must be -1 (all the rest) or more.");
  if (offset < 0) offset = std::max<int64_t>(0, offset < -size ? 0 : offset + size);
  offset = std::min(offset, size);
  const int64_t end = length == -1 || length > size - offset ? size : offset + length;
  std::string result;
  for (int64_t i = offset; i < end; ++i) absl::StrAppend(&result, characters[i]);
  return Value::String(std::move(result));
}

// Without the characters of which `strips` says yes, at both ends.
template <typename Predicate>
Value Stripped(absl::string_view text, Predicate strips) {
  const std::vector<absl::string_view> characters = Characters(text);
  const auto first = std::find_if_not(characters.begin(), characters.end(), strips);
  const auto last =
      std::find_if_not(characters.rbegin(), std::make_reverse_iterator(first), strips).base();
  std::string result;
  for (auto it = first; it != last; ++it) absl::StrAppend(&result, *it);
  return Value::String(std::move(result));
}

absl::StatusOr<Value> Trim(const FunctionCall& call) {
  const std::string& cutset = TextOf(call, 1);
  CLOISTER_RETURN_IF_ERROR(call.budget->Spend(cutset.size()));
  std::vector<absl::string_view> cut = Characters(cutset);
  std::sort(cut.begin(), cut.end());
  return Stripped(TextOf(call, 0), [&cut](absl::string_view character) {
    return std::binary_search(cut.begin(), cut.end(), character);
  });
}

absl::StatusOr<Value> TrimSpace(const FunctionCall& call) {
  return Stripped(TextOf(call, 0), [](absl::string_view character) {
    return IsSpace(FirstCodePoint(character).value);
  });
}

absl::StatusOr<Value> TrimPrefix(const FunctionCall& call) {
  return Value::String(std::string(absl::StripPrefix(TextOf(call, 0), TextOf(call, 1))));
}

absl::StatusOr<Value> TrimSuffix(const FunctionCall& call) {
  return Value::String(std::string(absl::StripSuffix(TextOf(call, 0), TextOf(call, 1))));
}

// As POSIX basename(1) and dirname(1): slashes at the end do not count.
absl::string_view WithoutSlashesAtEnd(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

absl::StatusOr<Value> Basename(const FunctionCall& call) {
  const absl::string_view path = WithoutSlashesAtEnd(TextOf(call, 0));
  if (path.empty()) return Value::String(".");
  if (path == "/") return Value::String("/");
  return Value::String(std::string(path.substr(path.rfind('/') + 1)));
}

absl::StatusOr<Value> Dirname(const FunctionCall& call) {
  const absl::string_view path = WithoutSlashesAtEnd(TextOf(call, 0));
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return Value::String(".");
  return Value::String(std::string(WithoutSlashesAtEnd(path.substr(0, slash + 1))));
}

constexpr Function kFunctions[] = {
    {"basename", "basename(path)", "s", Basename},
    {"chomp", "chomp(text)", "s", Chomp},
    {"dirname", "dirname(path)", "s", Dirname},
    {"indent", "indent(spaces, text)", "is", Indent},
    {"join", "join(separator, list...)", "s.*", Join, /*takes_deferred=*/true},
    {"lower", "lower(text)", "s", Lower},
    {"replace", "replace(text, search, replacement)", "sss", Replace},
    {"split", "split(separator, text)", "ss", Split},
    {"strlen", "strlen(text)", "s", StrLen},
    {"strrev", "strrev(text)", "s", StrRev},
    {"substr", "substr(text, offset, length)", "sii", SubStr},
    {"title", "title(text)", "s", Title},
    {"trim", "trim(text, characters)", "ss", Trim},
    {"trimprefix", "trimprefix(text, prefix)", "ss", TrimPrefix},
    {"trimspace", "trimspace(text)", "s", TrimSpace},
    {"trimsuffix", "trimsuffix(text, suffix)", "ss", TrimSuffix},
    {"upper", "upper(text)", "s", Upper},
};

}  // namespace

absl::Span<const Function> TextFunctions() { return kFunctions; }

}  // namespace cloister::hcl
