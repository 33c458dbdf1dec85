// abs, ceil, floor, log, max, min, parseint, pow, signum
#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/hcl/function_groups.h"

namespace cloister::hcl {
namespace {

absl::StatusOr<Value> Finite(double number) {
  if (!std::isfinite(number)) return absl::InvalidArgumentError("the result is out of range.");
  return Value::Number(number);
}

absl::StatusOr<Value> Abs(const FunctionCall& call) {
  const Value& number = call.arguments[0];
  if (!number.IsInteger() || number.integer() == INT64_MIN) {
    return Value::Number(std::fabs(number.number()));
  }
  return Value::Int(std::abs(number.integer()));
}

absl::StatusOr<Value> Ceil(const FunctionCall& call) {
  if (call.arguments[0].IsInteger()) return call.arguments[0];
  return Value::Number(std::ceil(call.arguments[0].number()));
}

absl::StatusOr<Value> Floor(const FunctionCall& call) {
  if (call.arguments[0].IsInteger()) return call.arguments[0];
  return Value::Number(std::floor(call.arguments[0].number()));
}

absl::StatusOr<Value> Log(const FunctionCall& call) {
  const double number = call.arguments[0].number();
  const double base = call.arguments[1].number();
  if (number <= 0 || base <= 0 || base == 1) {
    return absl::InvalidArgumentError("the number and the base must be positive, the base not 1.");
  }
  return Finite(std::log(number) / std::log(base));
}

bool IsLess(const Value& a, const Value& b) {
  if (a.IsInteger() && b.IsInteger()) return a.integer() < b.integer();
  return a.number() < b.number();
}

absl::StatusOr<Value> Max(const FunctionCall& call) {
  return *std::max_element(call.arguments.begin(), call.arguments.end(), IsLess);
}

absl::StatusOr<Value> Min(const FunctionCall& call) {
  return *std::min_element(call.arguments.begin(), call.arguments.end(), IsLess);
}

// The digit's value, or 62 for what is none. Above base 36, capitals follow the small letters.
int DigitOf(char c, int64_t base) {
  if (absl::ascii_isdigit(c)) return c - '0';
  if (absl::ascii_islower(c)) return c - 'a' + 10;
  if (absl::ascii_isupper(c)) return c - 'A' + (base > 36 ? 36 : 10);
  return 62;
}

absl::StatusOr<Value> ParseInt(const FunctionCall& call) {
  absl::string_view text = call.arguments[0].text();
  const int64_t base = call.arguments[1].integer();
  if (base < 2 || base > 62) return absl::InvalidArgumentError("the base must be from 2 to 62.");
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (text.empty()) return absl::InvalidArgumentError("there are no digits.");
  int64_t value = 0;
  for (const char c : text) {
    const int digit = DigitOf(c, base);
    if (digit >= base) {
      return absl::InvalidArgumentError(
          absl::StrCat("the text is no whole number in base ", base, "."));
    }
    // Counted down: the smallest integer has no positive.
    if (__builtin_mul_overflow(value, base, &value) ||
        __builtin_sub_overflow(value, static_cast<int64_t>(digit), &value)) {
      return absl::InvalidArgumentError("the number has more than 64 bits.");
    }
  }
  if (negative) return Value::Int(value);
  if (value == INT64_MIN) return absl::InvalidArgumentError("the number has more than 64 bits.");
  return Value::Int(-value);
}

// Exact, as long as the result is.
absl::StatusOr<Value> Pow(const FunctionCall& call) {
  const Value& base = call.arguments[0];
  const Value& exponent = call.arguments[1];
  if (base.IsInteger() && exponent.IsInteger() && exponent.integer() >= 0 &&
      exponent.integer() < 64) {
    int64_t result = 1;
    bool overflow = false;
    for (int64_t i = 0; i < exponent.integer(); ++i) {
      overflow = overflow || __builtin_mul_overflow(result, base.integer(), &result);
    }
    if (!overflow) return Value::Int(result);
  }
  return Finite(std::pow(base.number(), exponent.number()));
}

absl::StatusOr<Value> Signum(const FunctionCall& call) {
  const double number = call.arguments[0].number();
  return Value::Int(number < 0 ? -1 : number > 0 ? 1 : 0);
}

constexpr Function kFunctions[] = {
    {"abs", "abs(number)", "n", Abs},
    {"ceil", "ceil(number)", "n", Ceil},
    {"floor", "floor(number)", "n", Floor},
    {"log", "log(number, base)", "nn", Log},
    {"max", "max(number...)", "nn*", Max},
    {"min", "min(number...)", "nn*", Min},
    {"parseint", "parseint(text, base)", "si", ParseInt},
    {"pow", "pow(number, exponent)", "nn", Pow},
    {"signum", "signum(number)", "n", Signum},
};

}  // namespace

absl::Span<const Function> NumberFunctions() { return kFunctions; }

}  // namespace cloister::hcl
