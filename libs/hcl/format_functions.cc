// format, formatlist
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/function_groups.h"
#include "libs/hcl/json_text.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

// Of a width or a precision: enough for tables, too little to fill the memory.
constexpr int kWidest = 1024;

// %[flags][width][.precision][[index]]verb
struct Verb {
  bool minus = false;
  bool plus = false;
  bool space = false;
  bool zero = false;
  bool sharp = false;
  int width = 0;
  absl::optional<int> precision;
  absl::optional<int> index;  // From 1.
  char letter = '\0';
};

absl::Status Invalid(absl::string_view what) { return absl::InvalidArgumentError(what); }

// Digits at the front of the text; none gives 0.
absl::StatusOr<int> TakeNumber(absl::string_view& text) {
  int number = 0;
  while (!text.empty() && absl::ascii_isdigit(text.front())) {
    number = number * 10 + (text.front() - '0');
    if (number > kWidest) {
      return Invalid(
          absl::StrCat("a width, a precision or an index may be at most ", kWidest, "."));
    }
    text.remove_prefix(1);
  }
  return number;
}

// Behind the '%'.
absl::StatusOr<Verb> TakeVerb(absl::string_view& text) {
  Verb verb;
  for (bool more = true; more && !text.empty();) {
    switch (text.front()) {
      case '-':
        verb.minus = true;
        break;
      case '+':
        verb.plus = true;
        break;
      case ' ':
        verb.space = true;
        break;
      case '0':
        verb.zero = true;
        break;
      case '#':
        verb.sharp = true;
        break;
      default:
        more = false;
    }
    if (more) text.remove_prefix(1);
  }
  CLOISTER_ASSIGN_OR_RETURN(verb.width, TakeNumber(text));
  if (absl::ConsumePrefix(&text, ".")) {
    CLOISTER_ASSIGN_OR_RETURN(verb.precision, TakeNumber(text));
  }
  if (absl::ConsumePrefix(&text, "[")) {
    CLOISTER_ASSIGN_OR_RETURN(verb.index, TakeNumber(text));
    if (!absl::ConsumePrefix(&text, "]") || *verb.index == 0) {
      return Invalid("the index of an argument stands in brackets and counts from 1: %[1]s.");
    }
  }
  if (text.empty()) return Invalid("the format ends within a verb.");
  verb.letter = text.front();
  text.remove_prefix(1);
  return verb;
}

std::string Padded(std::string text, const Verb& verb, bool number) {
  const size_t size = CountCodePoints(text);
  const size_t missing = static_cast<size_t>(verb.width) > size ? verb.width - size : 0;
  if (verb.minus) return text + std::string(missing, ' ');
  if (verb.zero && number) {
    const bool has_sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ');
    return text.insert(has_sign ? 1 : 0, std::string(missing, '0'));
  }
  return std::string(missing, ' ') + text;
}

std::string WithSign(std::string digits, bool negative, const Verb& verb) {
  return (negative ? "-" : verb.plus ? "+" : verb.space ? " " : "") + std::move(digits);
}

std::string DigitsOf(uint64_t value, unsigned base, bool capitals) {
  const absl::string_view letters = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), letters[value % base]);
    value /= base;
  } while (value > 0);
  return digits;
}

// %d %b %o %x %X
absl::StatusOr<std::string> FormatInteger(const Value& argument, const Verb& verb) {
  const absl::optional<Value> number = argument.ToNumber();
  if (!number)
    return Invalid(absl::StrCat("%", absl::string_view(&verb.letter, 1), " needs a number."));
  const Value whole = number->IsInteger() ? *number : Value::Number(std::trunc(number->number()));
  const bool negative = whole.number() < 0;
  std::string digits;
  if (whole.IsInteger()) {
    const uint64_t magnitude = negative ? -static_cast<uint64_t>(whole.integer()) : whole.integer();
    const unsigned base = verb.letter == 'd'   ? 10
                          : verb.letter == 'b' ? 2
                          : verb.letter == 'o' ? 8
                                               : 16;
    digits = DigitsOf(magnitude, base, verb.letter == 'X');
  } else if (verb.letter == 'd') {
    digits = absl::StrFormat("%.0f", std::fabs(whole.number()));
  } else {
    return Invalid("the number has more than 64 bits.");
  }
  if (verb.sharp && verb.letter != 'd') {
    digits.insert(0, verb.letter == 'b'   ? "0b"
                     : verb.letter == 'o' ? "0"
                     : verb.letter == 'x' ? "0x"
                                          : "0X");
  }
  return Padded(WithSign(std::move(digits), negative, verb), verb, true);
}

// %e %E %f %g %G
absl::StatusOr<std::string> FormatDouble(const Value& argument, const Verb& verb) {
  const absl::optional<Value> number = argument.ToNumber();
  if (!number)
    return Invalid(absl::StrCat("%", absl::string_view(&verb.letter, 1), " needs a number."));
  const double magnitude = std::fabs(number->number());
  const int precision = verb.precision.value_or(6);
  std::string digits;
  switch (verb.letter) {
    case 'e':
      digits = absl::StrFormat("%.*e", precision, magnitude);
      break;
    case 'E':
      digits = absl::StrFormat("%.*E", precision, magnitude);
      break;
    case 'f':
    case 'F':
      digits = absl::StrFormat("%.*f", precision, magnitude);
      break;
    case 'g':
      // Without a precision all digits that the number has.
      digits = verb.precision ? absl::StrFormat("%.*g", precision, magnitude)
                              : *Value::Number(magnitude).ToText();
      break;
    default:
      digits = absl::StrFormat("%.*G", precision, magnitude);
  }
  return Padded(WithSign(std::move(digits), number->number() < 0, verb), verb, true);
}

// %s %q
absl::StatusOr<std::string> FormatText(const Value& argument, const Verb& verb) {
  absl::optional<std::string> text = argument.ToText();
  if (!text) {
    return Invalid(absl::StrCat("%", absl::string_view(&verb.letter, 1), " needs a string, not ",
                                KindInWords(argument.kind()), "."));
  }
  if (verb.precision) {
    size_t size = 0;
    for (int i = 0; i < *verb.precision && size < text->size(); ++i) {
      size += std::max<size_t>(1, FirstCodePoint(absl::string_view(*text).substr(size)).size);
    }
    text->resize(size);
  }
  return Padded(verb.letter == 'q' ? JsonText(Value::String(*text)) : *text, verb, false);
}

absl::StatusOr<std::string> FormatOne(const Value& argument, const Verb& verb) {
  switch (verb.letter) {
    case 'v':
      if (verb.sharp || !argument.ToText()) return Padded(JsonText(argument), verb, false);
      return Padded(*argument.ToText(), verb, argument.kind() == Value::Kind::kNumber);
    case 't':
      if (const absl::optional<bool> truth = argument.ToBool()) {
        return Padded(*truth ? "true" : "false", verb, false);
      }
      return Invalid("%t needs a bool.");
    case 'd':
    case 'b':
    case 'o':
    case 'x':
    case 'X':
      return FormatInteger(argument, verb);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return FormatDouble(argument, verb);
    case 's':
    case 'q':
      return FormatText(argument, verb);
    default:
      return Invalid(absl::StrCat("there is no verb %",
                                  absl::CEscape(absl::string_view(&verb.letter, 1)),
                                  "; there are v, t, d, b, o, x, X, e, E, f, g, G, s and q."));
  }
}

absl::StatusOr<std::string> FormatAll(absl::string_view format, absl::Span<const Value> arguments,
                                      FunctionBudget& budget) {
  std::string result;
  size_t next = 0;
  size_t used = 0;
  while (!format.empty()) {
    const size_t percent = std::min(format.find('%'), format.size());
    CLOISTER_RETURN_IF_ERROR(budget.Spend(percent + 1));
    absl::StrAppend(&result, format.substr(0, percent));
    format.remove_prefix(percent);
    if (!absl::ConsumePrefix(&format, "%")) break;
    if (absl::ConsumePrefix(&format, "%")) {
      result += '%';
      continue;
    }
    CLOISTER_ASSIGN_OR_RETURN(const Verb verb, TakeVerb(format));
    if (verb.index) next = *verb.index - 1;
    if (next >= arguments.size()) {
      return Invalid(absl::StrCat("not enough arguments: the format uses number ", next + 1, "."));
    }
    CLOISTER_RETURN_IF_ERROR(budget.Spend(arguments[next].weight() + verb.width));
    CLOISTER_ASSIGN_OR_RETURN(const std::string text, FormatOne(arguments[next], verb));
    result += text;
    used = std::max(used, ++next);
  }
  if (used < arguments.size()) {
    return Invalid(
        absl::StrCat("too many arguments: the format uses ", used, " of ", arguments.size(), "."));
  }
  return result;
}

absl::StatusOr<Value> Format(const FunctionCall& call) {
  CLOISTER_ASSIGN_OR_RETURN(std::string text, FormatAll(call.arguments[0].text(),
                                                        call.arguments.subspan(1), *call.budget));
  return Value::String(std::move(text));
}

// formatlist(format, values...): lists are gone through together, other values are repeated.
absl::StatusOr<Value> FormatList(const FunctionCall& call) {
  const absl::Span<const Value> values = call.arguments.subspan(1);
  absl::optional<size_t> size;
  for (const Value& value : values) {
    if (!value.IsTuple()) continue;
    if (size && *size != value.elements().size()) {
      return Invalid(absl::StrCat("the lists must have the same length; one has ", *size,
                                  " elements, another ", value.elements().size(), "."));
    }
    size = value.elements().size();
  }
  Value::Elements results;
  for (size_t i = 0; i < size.value_or(1); ++i) {
    CLOISTER_RETURN_IF_ERROR(call.budget->Spend(values.size() * Value().weight()));
    std::vector<Value> arguments;
    for (const Value& value : values) {
      arguments.push_back(value.IsTuple() ? value.elements()[i] : value);
    }
    CLOISTER_ASSIGN_OR_RETURN(std::string text,
                              FormatAll(call.arguments[0].text(), arguments, *call.budget));
    results.push_back(Value::String(std::move(text)));
  }
  return Value::Tuple(std::move(results));
}

constexpr Function kFunctions[] = {
    {"format", "format(format, value...)", "s.*", Format},
    {"formatlist", "formatlist(format, list...)", "s.*", FormatList},
};

}  // namespace

absl::Span<const Function> FormatFunctions() { return kFunctions; }

}  // namespace cloister::hcl
