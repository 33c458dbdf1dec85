// tobool, tolist, tomap, tonumber, toset, tostring; the names of can, convert and try
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/hcl/function_groups.h"
#include "libs/hcl/type_constraint.h"

namespace cloister::hcl {
namespace {

absl::StatusOr<Value> Convert(const Value& value, TypeConstraint::Kind kind) {
  TypeConstraint type;
  type.kind = kind;
  type.elements.emplace_back();
  absl::StatusOr<Value> converted = ConvertToType(value, type);
  if (converted.ok()) return converted;
  return absl::InvalidArgumentError(absl::StrCat(converted.status().message(), "."));
}

absl::StatusOr<Value> ToBool(const FunctionCall& call) {
  return Convert(call.arguments[0], TypeConstraint::Kind::kBool);
}
absl::StatusOr<Value> ToList(const FunctionCall& call) {
  return Convert(call.arguments[0], TypeConstraint::Kind::kList);
}
absl::StatusOr<Value> ToMap(const FunctionCall& call) {
  return Convert(call.arguments[0], TypeConstraint::Kind::kMap);
}
absl::StatusOr<Value> ToNumber(const FunctionCall& call) {
  return Convert(call.arguments[0], TypeConstraint::Kind::kNumber);
}
absl::StatusOr<Value> ToSet(const FunctionCall& call) {
  return Convert(call.arguments[0], TypeConstraint::Kind::kSet);
}
absl::StatusOr<Value> ToString(const FunctionCall& call) {
  return Convert(call.arguments[0], TypeConstraint::Kind::kString);
}

constexpr bool kTakesDeferred = true;

constexpr Function kFunctions[] = {
    {"can", "can(expression)", ".", nullptr},
    {"convert", "convert(value, type)", "..", nullptr},
    {"tobool", "tobool(value)", ".", ToBool},
    {"tolist", "tolist(value)", ".", ToList, kTakesDeferred},
    {"tomap", "tomap(value)", ".", ToMap, kTakesDeferred},
    {"tonumber", "tonumber(value)", ".", ToNumber},
    {"toset", "toset(value)", ".", ToSet},
    {"tostring", "tostring(value)", ".", ToString, kTakesDeferred},
    {"try", "try(expression, fallback...)", "..*", nullptr},
};

}  // namespace

absl::Span<const Function> TypeFunctions() { return kFunctions; }

}  // namespace cloister::hcl
