// contains, distinct, setintersection, setproduct, setsubtract, setunion: lists stand for sets, in
// the order in which their elements are first met.
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/function_groups.h"
#include "libs/hcl/json_text.h"

namespace cloister::hcl {
namespace {

// By their text, which is the same for equal values.
using Members = std::set<std::string>;

Members MembersOf(const Value& list) {
  Members members;
  for (const Value& element : list.elements()) members.insert(JsonText(element));
  return members;
}

// The elements of a list, each once, of whose text `keeps` says yes.
template <typename Predicate>
Value Filtered(const Value& list, Predicate keeps) {
  Members seen;
  Value::Elements kept;
  for (const Value& element : list.elements()) {
    const std::string text = JsonText(element);
    if (keeps(text) && seen.insert(text).second) kept.push_back(element);
  }
  return Value::Tuple(std::move(kept));
}

absl::StatusOr<Value> Contains(const FunctionCall& call) {
  for (const Value& element : call.arguments[0].elements()) {
    if (element == call.arguments[1]) return Value::Bool(true);
  }
  return Value::Bool(false);
}

absl::StatusOr<Value> Distinct(const FunctionCall& call) {
  return Filtered(call.arguments[0], [](const std::string&) { return true; });
}

absl::StatusOr<Value> SetIntersection(const FunctionCall& call) {
  Value result = call.arguments[0];
  for (const Value& list : call.arguments) {
    const Members members = MembersOf(list);
    result = Filtered(result, [&](const std::string& text) { return members.count(text) > 0; });
  }
  return result;
}

absl::StatusOr<Value> SetSubtract(const FunctionCall& call) {
  const Members members = MembersOf(call.arguments[1]);
  return Filtered(call.arguments[0],
                  [&](const std::string& text) { return members.count(text) == 0; });
}

absl::StatusOr<Value> SetUnion(const FunctionCall& call) {
  Value::Elements all;
  for (const Value& list : call.arguments) {
    all.insert(all.end(), list.elements().begin(), list.elements().end());
  }
  return Filtered(Value::Tuple(std::move(all)), [](const std::string&) { return true; });
}

// Every combination of one element of each list.
absl::StatusOr<Value> SetProduct(const FunctionCall& call) {
  std::vector<Value::Elements> combinations = {{}};
  for (const Value& list : call.arguments) {
    std::vector<Value::Elements> longer;
    for (const Value::Elements& combination : combinations) {
      for (const Value& element : list.elements()) {
        CLOISTER_RETURN_IF_ERROR(call.budget->Spend((combination.size() + 1) * Value().weight()));
        longer.push_back(combination);
        longer.back().push_back(element);
      }
    }
    combinations = std::move(longer);
  }
  Value::Elements result;
  for (Value::Elements& combination : combinations) {
    result.push_back(Value::Tuple(std::move(combination)));
  }
  return Value::Tuple(std::move(result));
}

constexpr Function kFunctions[] = {
    {"contains", "contains(list, value)", "l.", Contains},
    {"distinct", "distinct(list)", "l", Distinct},
    {"setintersection", "setintersection(list...)", "ll*", SetIntersection},
    {"setproduct", "setproduct(list...)", "ll*", SetProduct},
    {"setsubtract", "setsubtract(list, list)", "ll", SetSubtract},
    {"setunion", "setunion(list...)", "ll*", SetUnion},
};

}  // namespace

absl::Span<const Function> SetFunctions() { return kFunctions; }

}  // namespace cloister::hcl
