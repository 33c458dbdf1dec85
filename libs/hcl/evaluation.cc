#include "libs/hcl/evaluation.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "libs/hcl/evaluator.h"
#include "libs/hcl/syntax.h"

namespace cloister::hcl {

void EvaluationScope::SetVariable(absl::string_view name, Value value) {
  variables_[std::string(name)] = std::move(value);
}

const Value* EvaluationScope::FindVariable(absl::string_view name) const {
  for (const EvaluationScope* scope = this; scope != nullptr; scope = scope->parent_) {
    const auto found = scope->variables_.find(name);
    if (found != scope->variables_.end()) return &found->second;
  }
  return nullptr;
}

const FunctionTable* EvaluationScope::functions() const {
  const EvaluationScope* scope = this;
  while (scope->functions_ == nullptr && scope->parent_ != nullptr) scope = scope->parent_;
  return scope->functions_;
}

bool EvaluationScope::IsDeferred(absl::string_view root) const {
  for (const EvaluationScope* scope = this; scope != nullptr; scope = scope->parent_) {
    if (scope->is_deferred_ != nullptr && scope->is_deferred_(root)) return true;
  }
  return false;
}

bool EvaluationScope::HasDeferred() const {
  for (const EvaluationScope* scope = this; scope != nullptr; scope = scope->parent_) {
    if (scope->is_deferred_ != nullptr) return true;
  }
  return false;
}

bool EvaluationScope::IsInvalid(absl::string_view root, absl::string_view name) const {
  const std::pair<std::string, std::string> key(root, name);
  for (const EvaluationScope* scope = this; scope != nullptr; scope = scope->parent_) {
    if (scope->invalid_.count(key) > 0) return true;
    if (scope->variables_.find(root) != scope->variables_.end()) return false;
  }
  return false;
}

std::vector<std::string> EvaluationScope::VariableNames() const {
  std::set<std::string> names;
  for (const EvaluationScope* scope = this; scope != nullptr; scope = scope->parent_) {
    for (const auto& [name, value] : scope->variables_) names.insert(name);
  }
  return {names.begin(), names.end()};
}

bool EvaluationScope::Spend(uint64_t steps, uint64_t bytes) const {
  const EvaluationScope& root = Root();
  root.used_steps_ += steps;
  root.used_bytes_ += bytes;
  return root.used_steps_ <= root.limits_.steps && root.used_bytes_ <= root.limits_.total_bytes;
}

absl::optional<Value> Evaluate(const Expression& expression, const EvaluationScope& scope,
                               Diagnostics& diagnostics) {
  absl::optional<Value> value = Evaluator(scope, diagnostics).Evaluate(expression);
  if (!scope.Spend(0, 0)) {
    diagnostics.AddError(
        "Evaluation takes too long",
        absl::StrCat("The expressions of a file may take ", scope.limits().steps, " steps and ",
                     scope.limits().total_bytes, " bytes; that is used up here."),
        expression.range);
    return absl::nullopt;
  }
  return value;
}

namespace {

void WrongType(const Attribute& attribute, absl::string_view required, const Value& value,
               Diagnostics& diagnostics) {
  diagnostics.AddError("Incorrect attribute value type",
                       absl::StrCat("Inappropriate value for \"", attribute.name, "\": ", required,
                                    " is required, not ", KindInWords(value.kind()), "."),
                       attribute.ExpressionRange());
}

// Evaluates, and refuses what is known only on the node.
absl::optional<Value> EvaluateKnown(const Attribute& attribute, const EvaluationScope& scope,
                                    absl::string_view required, Diagnostics& diagnostics) {
  absl::optional<Value> value = Evaluate(*attribute.expression, scope, diagnostics);
  if (!value || !value->IsDeferred()) return value;
  diagnostics.AddError("Value known only on the node",
                       absl::StrCat("\"", attribute.name, "\" is ", required,
                                    " that must be known before a node is chosen; this refers to "
                                    "what is known only there."),
                       attribute.ExpressionRange());
  return absl::nullopt;
}

}  // namespace

absl::optional<std::string> EvaluateText(const Attribute& attribute, const EvaluationScope& scope,
                                         Diagnostics& diagnostics) {
  const absl::optional<Value> value = Evaluate(*attribute.expression, scope, diagnostics);
  if (!value) return absl::nullopt;
  absl::optional<std::string> text = value->ToText();
  if (!text) WrongType(attribute, "a string", *value, diagnostics);
  return text;
}

absl::optional<bool> EvaluateBool(const Attribute& attribute, const EvaluationScope& scope,
                                  Diagnostics& diagnostics) {
  const absl::optional<Value> value = EvaluateKnown(attribute, scope, "a bool", diagnostics);
  if (!value) return absl::nullopt;
  const absl::optional<bool> truth = value->ToBool();
  if (!truth) WrongType(attribute, "a bool", *value, diagnostics);
  return truth;
}

absl::optional<int64_t> EvaluateInteger(const Attribute& attribute, const EvaluationScope& scope,
                                        Diagnostics& diagnostics) {
  const absl::optional<Value> value = EvaluateKnown(attribute, scope, "a number", diagnostics);
  if (!value) return absl::nullopt;
  const absl::optional<int64_t> integer = value->ToInteger();
  if (!integer) {
    if (value->ToNumber()) {
      diagnostics.AddError("Incorrect attribute value type",
                           absl::StrCat("Inappropriate value for \"", attribute.name,
                                        "\": a whole number of at most 64 bits is required."),
                           attribute.ExpressionRange());
    } else {
      WrongType(attribute, "a whole number", *value, diagnostics);
    }
  }
  return integer;
}

absl::optional<double> EvaluateNumber(const Attribute& attribute, const EvaluationScope& scope,
                                      Diagnostics& diagnostics) {
  const absl::optional<Value> value = EvaluateKnown(attribute, scope, "a number", diagnostics);
  if (!value) return absl::nullopt;
  const absl::optional<Value> number = value->ToNumber();
  if (!number) {
    WrongType(attribute, "a number", *value, diagnostics);
    return absl::nullopt;
  }
  return number->number();
}

absl::optional<std::vector<std::string>> EvaluateTextList(const Attribute& attribute,
                                                          const EvaluationScope& scope,
                                                          Diagnostics& diagnostics) {
  const absl::optional<Value> value = Evaluate(*attribute.expression, scope, diagnostics);
  if (!value) return absl::nullopt;
  if (!value->IsTuple()) {
    WrongType(attribute, "a list of strings", *value, diagnostics);
    return absl::nullopt;
  }
  std::vector<std::string> list;
  for (const Value& element : value->elements()) {
    absl::optional<std::string> text = element.ToText();
    if (!text) {
      WrongType(attribute, absl::StrCat("element ", list.size(), ": a string"), element,
                diagnostics);
      return absl::nullopt;
    }
    list.push_back(*std::move(text));
  }
  return list;
}

absl::optional<std::map<std::string, std::string>> EvaluateTextMap(const Attribute& attribute,
                                                                   const EvaluationScope& scope,
                                                                   Diagnostics& diagnostics) {
  const absl::optional<Value> value = Evaluate(*attribute.expression, scope, diagnostics);
  if (!value) return absl::nullopt;
  if (!value->IsObject()) {
    WrongType(attribute, "a map of strings", *value, diagnostics);
    return absl::nullopt;
  }
  std::map<std::string, std::string> map;
  for (const auto& [key, element] : value->attributes()) {
    absl::optional<std::string> text = element.ToText();
    if (!text) {
      WrongType(attribute, absl::StrCat("element \"", key, "\": a string"), element, diagnostics);
      return absl::nullopt;
    }
    map.emplace(key, *std::move(text));
  }
  return map;
}

}  // namespace cloister::hcl
