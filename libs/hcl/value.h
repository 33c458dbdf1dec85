// What an HCL expression evaluates to. A Value is immutable and cheap to copy: text and collections
// are shared.
//
// Lists, tuples and sets are one kind here (kTuple), maps and objects another (kObject): a task
// file has no use for the difference, and conversions are made where a type is asked for.
#ifndef CLOISTER_LIBS_HCL_VALUE_H_
#define CLOISTER_LIBS_HCL_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::hcl {

class Value {
 public:
  enum class Kind { kNull, kBool, kNumber, kString, kTuple, kObject };
  using Elements = std::vector<Value>;
  // Iterates in the order of the keys' bytes, as HCL does.
  using Attributes = std::map<std::string, Value, std::less<>>;

  Value() = default;  // null
  static Value Null() { return Value(); }
  static Value Bool(bool value);
  // Integers are exact over all of int64_t, beyond what a double holds.
  static Value Int(int64_t value);
  // A whole number in the range of int64_t becomes an integer. Must be finite.
  static Value Number(double value);
  static Value String(std::string text);
  // Text that holds references ("${attr.cpu.arch}") which only the node can resolve.
  static Value DeferredString(std::string text);
  static Value Tuple(Elements elements);
  static Value Object(Attributes attributes);

  Kind kind() const { return kind_; }
  bool IsNull() const { return kind_ == Kind::kNull; }
  bool IsString() const { return kind_ == Kind::kString; }
  bool IsTuple() const { return kind_ == Kind::kTuple; }
  bool IsObject() const { return kind_ == Kind::kObject; }

  // Each only for its kind; another kind gives false, 0, "", no elements, no attributes.
  bool bool_value() const { return kind_ == Kind::kBool && integer_ != 0; }
  // Whether the number is a whole one that int64_t holds; then integer() is exact.
  bool IsInteger() const { return kind_ == Kind::kNumber && is_integer_; }
  int64_t integer() const { return IsInteger() ? integer_ : 0; }
  double number() const;
  const std::string& text() const;
  const Elements& elements() const;
  const Attributes& attributes() const;

  // The attribute of an object, or null if this is no object or has none of the name.
  const Value* Find(absl::string_view key) const;

  // Whether this, or anything within, is text with references that only the node can resolve.
  bool IsDeferred() const { return deferred_; }
  // Nesting: 0 for what holds no other value.
  int depth() const { return depth_; }
  // About how many bytes the value would take if nothing were shared; saturates.
  uint64_t weight() const { return weight_; }

  // Conversions as HCL makes them; none if there is no such conversion. Null converts to nothing.
  // Text of a number or bool; a number in its shortest form that reads back, never with exponent.
  absl::optional<std::string> ToText() const;
  // A number, or text that is one as a literal would be ("12", "-1.5e3").
  absl::optional<Value> ToNumber() const;
  // A bool, or "true", "false".
  absl::optional<bool> ToBool() const;
  // A number (see ToNumber) without fraction, in the range of int64_t.
  absl::optional<int64_t> ToInteger() const;

  // As HCL's ==: of the same kind and equal; 1 == 1.0.
  friend bool operator==(const Value& a, const Value& b);
  friend bool operator!=(const Value& a, const Value& b) { return !(a == b); }
  // As JSON.
  friend std::ostream& operator<<(std::ostream& os, const Value& value);

 private:
  struct Shared;

  Kind kind_ = Kind::kNull;
  bool is_integer_ = false;
  bool deferred_ = false;
  int depth_ = 0;
  uint64_t weight_ = kScalarWeight;
  int64_t integer_ = 0;
  double double_ = 0;
  std::shared_ptr<const Shared> shared_;

  static constexpr uint64_t kScalarWeight = 16;
};

// "a string", "a number", "a bool", "a list", "an object", "null": for messages.
absl::string_view KindInWords(Value::Kind kind);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_VALUE_H_
