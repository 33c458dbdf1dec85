// The part of Evaluator that is about function calls.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/hcl/evaluator.h"
#include "libs/hcl/suggestion.h"
#include "libs/hcl/type_constraint.h"

namespace cloister::hcl {
namespace {

// What Function::parameters says of an argument.
struct Arity {
  size_t least;
  size_t most;
};

Arity ArityOf(absl::string_view parameters) {
  const size_t letters = std::count_if(parameters.begin(), parameters.end(),
                                       [](char c) { return c != '?' && c != '*'; });
  if (parameters.empty()) return {0, 0};
  if (parameters.back() == '?') return {letters - 1, letters};
  if (parameters.back() == '*') return {letters - 1, SIZE_MAX};
  return {letters, letters};
}

// Of the argument with this index; the last letter is repeated.
char LetterOf(absl::string_view parameters, size_t index) {
  while (parameters.back() == '?' || parameters.back() == '*') parameters.remove_suffix(1);
  return parameters[std::min(index, parameters.size() - 1)];
}

absl::string_view RequiredInWords(char letter) {
  switch (letter) {
    case 's':
      return "a string";
    case 'n':
      return "a number";
    case 'i':
      return "a whole number";
    case 'b':
      return "a bool";
    case 'l':
      return "a list";
    case 'm':
      return "an object";
    default:
      return "a value";
  }
}

absl::optional<Value> ConvertTo(char letter, const Value& value) {
  switch (letter) {
    case 's':
      if (value.IsString()) return value;
      if (absl::optional<std::string> text = value.ToText()) return Value::String(*std::move(text));
      return absl::nullopt;
    case 'n':
      return value.ToNumber();
    case 'i':
      if (const absl::optional<int64_t> integer = value.ToInteger()) return Value::Int(*integer);
      return absl::nullopt;
    case 'b':
      if (const absl::optional<bool> truth = value.ToBool()) return Value::Bool(*truth);
      return absl::nullopt;
    case 'l':
      return value.IsTuple() ? absl::make_optional(value) : absl::nullopt;
    case 'm':
      return value.IsObject() ? absl::make_optional(value) : absl::nullopt;
    default:
      return value;
  }
}

uint64_t WeightOf(const std::vector<Value>& values) {
  uint64_t weight = 0;
  for (const Value& value : values) weight += value.weight();
  return weight;
}

}  // namespace

absl::optional<Value> Evaluator::Visit(const CallExpression& node, const SourceRange& range) {
  const FunctionTable* functions = scope_.functions();
  if (functions == nullptr) {
    return Error("Function calls not allowed", "Functions may not be called here.",
                 node.name_range);
  }
  const auto found = functions->find(node.name);
  if (found != functions->end()) {
    if (found->second.body != nullptr) return Call(found->second, node, range);
    if (node.name == "convert") return EvaluateConvert(node, range);
    return node.name == "can" ? EvaluateCan(node, range) : EvaluateTry(node, range);
  }
  const absl::string_view why_refused = WhyFunctionIsRefused(node.name);
  if (!why_refused.empty()) {
    return Error("Function not available",
                 absl::StrCat("The function \"", node.name, "\" is not available: ", why_refused),
                 node.name_range);
  }
  std::vector<absl::string_view> names;
  for (const auto& [name, function] : *functions) names.push_back(name);
  return Error("Call to unknown function",
               absl::StrCat("There is no function named \"", node.name, "\".",
                            DidYouMean(node.name, names, diagnostics_)),
               node.name_range);
}

bool Evaluator::EvaluateArguments(const CallExpression& node, std::vector<Value>& arguments,
                                  std::vector<SourceRange>& ranges) {
  bool ok = true;
  for (size_t i = 0; i < node.arguments.size(); ++i) {
    const Expression& expression = *node.arguments[i];
    absl::optional<Value> value = Evaluate(expression);
    ok = ok && value;
    if (!ok) continue;
    if (!node.expand_last || i + 1 < node.arguments.size()) {
      arguments.push_back(*std::move(value));
      ranges.push_back(expression.range);
      continue;
    }
    if (!value->IsTuple()) {
      Error("Invalid expanding argument value",
            absl::StrCat("The argument before \"...\" must be a list; this is ",
                         KindInWords(value->kind()), "."),
            expression.range);
      return false;
    }
    if (!scope_.Spend(value->elements().size(), 0)) return false;
    for (const Value& element : value->elements()) {
      arguments.push_back(element);
      ranges.push_back(expression.range);
    }
  }
  return ok;
}

absl::optional<Value> Evaluator::Call(const Function& function, const CallExpression& node,
                                      const SourceRange& range) {
  std::vector<Value> arguments;
  std::vector<SourceRange> ranges;
  if (!EvaluateArguments(node, arguments, ranges)) return absl::nullopt;
  const Arity arity = ArityOf(function.parameters);
  if (arguments.size() < arity.least || arguments.size() > arity.most) {
    return Error(arguments.size() < arity.least ? "Not enough function arguments"
                                                : "Too many function arguments",
                 absl::StrCat("The function is ", function.signature, "; there are ",
                              arguments.size(), " arguments here."),
                 range);
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].IsDeferred() && !function.takes_deferred) {
      return Deferred(absl::StrCat("an argument of the function \"", function.name, "\""),
                      ranges[i]);
    }
    const char letter = LetterOf(function.parameters, i);
    const absl::optional<Value> converted = ConvertTo(letter, arguments[i]);
    if (!converted) {
      return Error("Invalid function argument",
                   absl::StrCat("Argument ", i + 1, " of ", function.signature, " must be ",
                                RequiredInWords(letter), "; this is ",
                                KindInWords(arguments[i].kind()), "."),
                   ranges[i]);
    }
    // Converted text of a deferred value is that text.
    if (!arguments[i].IsDeferred()) arguments[i] = *converted;
  }
  const uint64_t weight = WeightOf(arguments);
  if (!scope_.Spend(1, weight)) return absl::nullopt;
  FunctionBudget budget(scope_.limits().value_bytes);
  absl::StatusOr<Value> result = function.body({arguments, &budget});
  if (!scope_.Spend(0, scope_.limits().value_bytes - budget.left())) return absl::nullopt;
  if (!result.ok()) {
    return Error("Error in function call",
                 absl::StrCat("Call to function \"", function.name,
                              "\" failed: ", result.status().message()),
                 range);
  }
  return Bounded(*std::move(result), range);
}

// can(expression): whether it has a value. Only the errors of the expression count, not the limits.
absl::optional<Value> Evaluator::EvaluateCan(const CallExpression& node, const SourceRange& range) {
  if (node.arguments.size() != 1 || node.expand_last) {
    return Error("Wrong function arguments", "The function is can(expression).", range);
  }
  Diagnostics ignored(0);
  const absl::optional<Value> value = Evaluator(scope_, ignored).Evaluate(*node.arguments[0]);
  if (!scope_.Spend(0, 0)) return absl::nullopt;
  if (value && value->IsDeferred()) {
    return Deferred("an argument of the function \"can\"", node.arguments[0]->range);
  }
  return Value::Bool(value.has_value());
}

// convert(value, type)
absl::optional<Value> Evaluator::EvaluateConvert(const CallExpression& node,
                                                 const SourceRange& range) {
  if (node.arguments.size() != 2 || node.expand_last) {
    return Error("Wrong function arguments", "The function is convert(value, type).", range);
  }
  const absl::optional<TypeConstraint> type = ParseTypeConstraint(*node.arguments[1], diagnostics_);
  const absl::optional<Value> value = Evaluate(*node.arguments[0]);
  if (!type || !value) return absl::nullopt;
  if (value->IsDeferred()) {
    return Deferred("an argument of the function \"convert\"", node.arguments[0]->range);
  }
  absl::StatusOr<Value> converted = ConvertToType(*value, *type);
  if (!converted.ok()) {
    return Error(
        "Error in function call",
        absl::StrCat("Call to function \"convert\" failed: ", converted.status().message(), "."),
        range);
  }
  return Bounded(*std::move(converted), range);
}

// try(expression, ...): the first that has a value.
absl::optional<Value> Evaluator::EvaluateTry(const CallExpression& node, const SourceRange& range) {
  if (node.arguments.empty() || node.expand_last) {
    return Error("Wrong function arguments", "The function is try(expression, fallback...).",
                 range);
  }
  for (const ExpressionPointer& argument : node.arguments) {
    Diagnostics ignored(0);
    absl::optional<Value> value = Evaluator(scope_, ignored).Evaluate(*argument);
    if (value) return value;
    if (!scope_.Spend(0, 0)) return absl::nullopt;
  }
  return Error("Error in function call",
               "Call to function \"try\" failed: none of its arguments has a value.", range);
}

}  // namespace cloister::hcl
