#include "libs/hcl/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace cloister::hcl {

struct Value::Shared {
  std::string text;
  Elements elements;
  Attributes attributes;
};

namespace {

uint64_t SaturatingAdd(uint64_t a, uint64_t b) { return a + b < a ? UINT64_MAX : a + b; }

// digits [. digits] [e [+-] digits], with a sign in front; all of the text.
bool IsNumberLiteral(absl::string_view text) {
  const auto digits = [&text] {
    const size_t size =
        std::find_if_not(text.begin(), text.end(), absl::ascii_isdigit) - text.begin();
    text.remove_prefix(size);
    return size > 0;
  };
  const auto skip = [&text](absl::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == absl::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
  };
  skip("-");
  if (!digits()) return false;
  if (skip(".") && !digits()) return false;
  if (skip("eE")) {
    skip("+-");
    if (!digits()) return false;
  }
  return text.empty();
}

// The shortest digits that read back, without exponent.
std::string DoubleText(double number) {
  char buffer[512];  // DBL_MAX has 309 digits; the smallest number some 340.
  const std::to_chars_result result =
      std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::fixed);
  // The smallest denormals have over a thousand digits written out in full, never in shortest form.
  if (result.ec != std::errc()) return absl::StrCat(number);
  return std::string(buffer, result.ptr);
}

}  // namespace

Value Value::Bool(bool value) {
  Value result;
  result.kind_ = Kind::kBool;
  result.integer_ = value ? 1 : 0;
  return result;
}

Value Value::Int(int64_t value) {
  Value result;
  result.kind_ = Kind::kNumber;
  result.is_integer_ = true;
  result.integer_ = value;
  return result;
}

Value Value::Number(double value) {
  // 2^63 is the first that int64_t does not hold; it is exact as a double.
  if (std::trunc(value) == value && value >= -9223372036854775808.0 &&
      value < 9223372036854775808.0) {
    return Int(static_cast<int64_t>(value));
  }
  Value result;
  result.kind_ = Kind::kNumber;
  result.double_ = value;
  return result;
}

Value Value::String(std::string text) {
  Value result;
  result.kind_ = Kind::kString;
  result.weight_ = kScalarWeight + text.size();
  auto shared = std::make_shared<Shared>();
  shared->text = std::move(text);
  result.shared_ = std::move(shared);
  return result;
}

Value Value::DeferredString(std::string text) {
  Value result = String(std::move(text));
  result.deferred_ = true;
  return result;
}

Value Value::Tuple(Elements elements) {
  Value result;
  result.kind_ = Kind::kTuple;
  for (const Value& element : elements) {
    result.depth_ = std::max(result.depth_, element.depth());
    result.weight_ = SaturatingAdd(result.weight_, element.weight());
    result.deferred_ = result.deferred_ || element.IsDeferred();
  }
  ++result.depth_;
  auto shared = std::make_shared<Shared>();
  shared->elements = std::move(elements);
  result.shared_ = std::move(shared);
  return result;
}

Value Value::Object(Attributes attributes) {
  Value result;
  result.kind_ = Kind::kObject;
  for (const auto& [key, value] : attributes) {
    result.depth_ = std::max(result.depth_, value.depth());
    result.weight_ = SaturatingAdd(result.weight_, SaturatingAdd(value.weight(), key.size()));
    result.deferred_ = result.deferred_ || value.IsDeferred();
  }
  ++result.depth_;
  auto shared = std::make_shared<Shared>();
  shared->attributes = std::move(attributes);
  result.shared_ = std::move(shared);
  return result;
}

double Value::number() const {
  if (kind_ != Kind::kNumber) return 0;
  return is_integer_ ? static_cast<double>(integer_) : double_;
}

const std::string& Value::text() const {
  static const std::string* const kEmpty = new std::string();
  return IsString() ? shared_->text : *kEmpty;
}

const Value::Elements& Value::elements() const {
  static const Elements* const kEmpty = new Elements();
  return IsTuple() ? shared_->elements : *kEmpty;
}

const Value::Attributes& Value::attributes() const {
  static const Attributes* const kEmpty = new Attributes();
  return IsObject() ? shared_->attributes : *kEmpty;
}

const Value* Value::Find(absl::string_view key) const {
  const Attributes& all = attributes();
  const auto found = all.find(key);
  return found == all.end() ? nullptr : &found->second;
}

absl::optional<std::string> Value::ToText() const {
  switch (kind_) {
    case Kind::kString:
      return text();
    case Kind::kBool:
      return std::string(bool_value() ? "true" : "false");
    case Kind::kNumber:
      return is_integer_ ? absl::StrCat(integer_) : DoubleText(double_);
    default:
      return absl::nullopt;
  }
}

absl::optional<Value> Value::ToNumber() const {
  if (kind_ == Kind::kNumber) return *this;
  if (kind_ != Kind::kString || !IsNumberLiteral(text())) return absl::nullopt;
  int64_t integer;
  if (absl::SimpleAtoi(text(), &integer)) return Int(integer);
  double number;
  if (!absl::SimpleAtod(text(), &number) || !std::isfinite(number)) return absl::nullopt;
  return Number(number);
}

absl::optional<bool> Value::ToBool() const {
  if (kind_ == Kind::kBool) return bool_value();
  if (text() == "true") return true;
  if (text() == "false") return false;
  return absl::nullopt;
}

absl::optional<int64_t> Value::ToInteger() const {
  const absl::optional<Value> number = ToNumber();
  if (!number || !number->IsInteger()) return absl::nullopt;
  return number->integer();
}

bool operator==(const Value& a, const Value& b) {
  if (a.kind_ != b.kind_) return false;
  if (a.shared_ != nullptr && a.shared_ == b.shared_) return true;
  switch (a.kind_) {
    case Value::Kind::kNull:
      return true;
    case Value::Kind::kBool:
      return a.integer_ == b.integer_;
    case Value::Kind::kNumber:
      if (a.is_integer_ != b.is_integer_) return false;
      return a.is_integer_ ? a.integer_ == b.integer_ : a.double_ == b.double_;
    case Value::Kind::kString:
      return a.text() == b.text();
    case Value::Kind::kTuple:
      return a.elements() == b.elements();
    case Value::Kind::kObject:
      return a.attributes() == b.attributes();
  }
  return false;
}

std::ostream& operator<<(std::ostream& os, const Value& value) {
  absl::string_view separator = "";
  switch (value.kind()) {
    case Value::Kind::kNull:
      return os << "null";
    case Value::Kind::kString:
      return os << '"' << absl::Utf8SafeCEscape(value.text()) << '"';
    case Value::Kind::kBool:
    case Value::Kind::kNumber:
      return os << *value.ToText();
    case Value::Kind::kTuple:
      os << '[';
      for (const Value& element : value.elements()) {
        os << separator << element;
        separator = ",";
      }
      return os << ']';
    case Value::Kind::kObject:
      os << '{';
      for (const auto& [key, attribute] : value.attributes()) {
        os << separator << '"' << absl::Utf8SafeCEscape(key) << "\":" << attribute;
        separator = ",";
      }
      return os << '}';
  }
  return os;
}

absl::string_view KindInWords(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBool:
      return "a bool";
    case Value::Kind::kNumber:
      return "a number";
    case Value::Kind::kString:
      return "a string";
    case Value::Kind::kTuple:
      return "a list";
    case Value::Kind::kObject:
      return "an object";
  }
  return "something unknown";
}

}  // namespace cloister::hcl
