#include "libs/hcl/evaluator.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/hcl/operators.h"

namespace cloister::hcl {

absl::nullopt_t Evaluator::Error(absl::string_view summary, absl::string_view detail,
                                 const SourceRange& range) {
  diagnostics_.AddError(summary, detail, range);
  return absl::nullopt;
}

absl::nullopt_t Evaluator::Deferred(absl::string_view what, const SourceRange& range) {
  return Error(
      "Value known only on the node",
      absl::StrCat("This refers to what is known only on the node that runs the task, so it "
                   "cannot be ",
                   what, "; it can stand in text, as in \"${attr.cpu.arch}\"."),
      range);
}

absl::optional<Value> Evaluator::Bounded(Value value, const SourceRange& range) {
  const EvaluationLimits& limits = scope_.limits();
  if (value.weight() > limits.value_bytes) {
    return Error("Value too large",
                 absl::StrCat("A value may take about ", limits.value_bytes, " bytes."), range);
  }
  if (value.depth() > limits.value_depth) {
    return Error("Value nested too deep",
                 absl::StrCat("There may be at most ", limits.value_depth, " levels."), range);
  }
  if (!scope_.Spend(0, value.weight())) return absl::nullopt;
  return value;
}

absl::optional<Value> Evaluator::Evaluate(const Expression& expression) {
  if (!scope_.Spend(1, 0)) return absl::nullopt;
  return absl::visit([&](const auto& node) { return Visit(node, expression.range); },
                     expression.node);
}

absl::optional<Value> Evaluator::Visit(const LiteralExpression& node, const SourceRange&) {
  return node.value;
}

absl::optional<Value> Evaluator::Visit(const TupleExpression& node, const SourceRange& range) {
  Value::Elements elements;
  bool ok = true;
  for (const ExpressionPointer& element : node.elements) {
    absl::optional<Value> value = Evaluate(*element);
    ok = ok && value.has_value();
    if (ok) elements.push_back(*std::move(value));
  }
  if (!ok) return absl::nullopt;
  return Bounded(Value::Tuple(std::move(elements)), range);
}

absl::optional<Value> Evaluator::Visit(const ObjectExpression& node, const SourceRange& range) {
  Value::Attributes attributes;
  bool ok = true;
  for (const ObjectExpression::Item& item : node.items) {
    const absl::optional<Value> key = Evaluate(*item.key);
    absl::optional<Value> value = Evaluate(*item.value);
    ok = ok && key && value;
    if (!key) continue;
    const absl::optional<std::string> name = key->ToText();
    if (key->IsDeferred()) {
      Deferred("an object's key", item.key->range);
    } else if (!name) {
      Error("Invalid object key",
            absl::StrCat("A key is a string; this is ", KindInWords(key->kind()), "."),
            item.key->range);
    } else if (attributes.count(*name) > 0) {
      Error("Duplicate object key", absl::StrCat("The object has the key \"", *name, "\" already."),
            item.key->range);
    } else {
      attributes.emplace(*name, value ? *std::move(value) : Value());
      continue;
    }
    ok = false;
  }
  if (!ok) return absl::nullopt;
  return Bounded(Value::Object(std::move(attributes)), range);
}

absl::optional<Value> Evaluator::Visit(const UnaryExpression& node, const SourceRange& range) {
  const absl::optional<Value> operand = Evaluate(*node.operand);
  if (!operand) return absl::nullopt;
  if (operand->IsDeferred()) return Deferred("an operand", node.operand->range);
  absl::StatusOr<Value> result = ApplyUnary(node.op, *operand);
  if (!result.ok()) {
    return Error("Invalid operand", std::string(result.status().message()), range);
  }
  return *std::move(result);
}

absl::optional<Value> Evaluator::Visit(const BinaryExpression& node, const SourceRange&) {
  absl::optional<Value> result = Evaluate(*node.first);
  if (!result) return absl::nullopt;
  if (result->IsDeferred()) return Deferred("an operand", node.first->range);
  SourceRange left_range = node.first->range;
  for (const BinaryExpression::Term& term : node.terms) {
    // The second operand may rest upon the first: a != null && a.b.
    if (term.op == BinaryOperator::kAnd && result->ToBool() == false) {
      result = Value::Bool(false);
      continue;
    }
    if (term.op == BinaryOperator::kOr && result->ToBool() == true) {
      result = Value::Bool(true);
      continue;
    }
    const absl::optional<Value> operand = Evaluate(*term.operand);
    if (!operand) return absl::nullopt;
    if (operand->IsDeferred()) return Deferred("an operand", term.operand->range);
    // Comparing takes as long as the values are large.
    if (!scope_.Spend(0, result->weight() + operand->weight())) return absl::nullopt;
    absl::StatusOr<Value> applied = ApplyBinary(term.op, *result, *operand);
    left_range = SourceRange::Between(left_range, term.operand->range);
    if (!applied.ok()) {
      return Error("Invalid operand", std::string(applied.status().message()), left_range);
    }
    result = *std::move(applied);
  }
  return result;
}

absl::optional<bool> Evaluator::EvaluateCondition(const Expression& expression) {
  const absl::optional<Value> value = Evaluate(expression);
  if (!value) return absl::nullopt;
  if (value->IsDeferred()) return Deferred("a condition", expression.range);
  const absl::optional<bool> condition = value->ToBool();
  if (!condition) {
    return Error("Incorrect condition type",
                 absl::StrCat("The condition must be true or false; this is ",
                              KindInWords(value->kind()), "."),
                 expression.range);
  }
  return condition;
}

absl::optional<Value> Evaluator::Visit(const ConditionalExpression& node, const SourceRange&) {
  const absl::optional<bool> condition = EvaluateCondition(*node.condition);
  if (!condition) return absl::nullopt;
  return Evaluate(*condition ? *node.then_value : *node.else_value);
}

bool Evaluator::ForEach(const Expression& collection, const std::string& key_name,
                        const std::string& value_name, const ElementVisitor& visit) {
  const absl::optional<Value> values = Evaluate(collection);
  if (!values) return false;
  const auto visit_one = [&](const Value& key, const Value& value) {
    if (!scope_.Spend(1, 0)) return false;
    EvaluationScope inner(&scope_);
    if (!key_name.empty()) inner.SetVariable(key_name, key);
    inner.SetVariable(value_name, value);
    return visit(key, value, inner);
  };
  if (values->IsTuple()) {
    int64_t index = 0;
    for (const Value& element : values->elements()) {
      if (!visit_one(Value::Int(index++), element)) return false;
    }
    return true;
  }
  if (values->IsObject()) {
    for (const auto& [key, attribute] : values->attributes()) {
      if (!visit_one(Value::String(key), attribute)) return false;
    }
    return true;
  }
  if (values->IsDeferred()) {
    Deferred("the collection of a 'for'", collection.range);
  } else {
    Error("Iteration over non-iterable value",
          absl::StrCat("A 'for' goes over a list or an object; this is ",
                       KindInWords(values->kind()), "."),
          collection.range);
  }
  return false;
}

bool Evaluator::AddForAttribute(const ForExpression& node, Evaluator& inner,
                                Value::Attributes& attributes,
                                std::map<std::string, Value::Elements>& groups) {
  const absl::optional<Value> key = inner.Evaluate(*node.key);
  absl::optional<Value> value = key ? inner.Evaluate(*node.value) : absl::nullopt;
  if (!value) return false;
  const absl::optional<std::string> name = key->ToText();
  if (key->IsDeferred()) {
    Deferred("an object's key", node.key->range);
    return false;
  }
  if (!name) {
    Error("Invalid object key",
          absl::StrCat("A key is a string; this is ", KindInWords(key->kind()), "."),
          node.key->range);
    return false;
  }
  if (node.group) {
    groups[*name].push_back(*std::move(value));
    return true;
  }
  if (attributes.emplace(*name, *std::move(value)).second) return true;
  Error("Duplicate object key",
        absl::StrCat("Two items produced the key \"", *name,
                     "\" in this 'for' expression. If duplicates are expected, use the ellipsis "
                     "(...) after the value to group by key."),
        node.key->range);
  return false;
}

absl::optional<Value> Evaluator::Visit(const ForExpression& node, const SourceRange& range) {
  Value::Elements elements;
  Value::Attributes attributes;
  std::map<std::string, Value::Elements> groups;
  const auto visit = [&](const Value&, const Value&, const EvaluationScope& scope) {
    Evaluator inner(scope, diagnostics_);
    if (node.condition != nullptr) {
      const absl::optional<bool> condition = inner.EvaluateCondition(*node.condition);
      if (!condition) return false;
      if (!*condition) return true;
    }
    if (node.key != nullptr) return AddForAttribute(node, inner, attributes, groups);
    absl::optional<Value> value = inner.Evaluate(*node.value);
    if (!value) return false;
    elements.push_back(*std::move(value));
    return true;
  };
  if (!ForEach(*node.collection, node.key_name, node.value_name, visit)) return absl::nullopt;
  if (node.key == nullptr) return Bounded(Value::Tuple(std::move(elements)), range);
  for (auto& [key, group] : groups) attributes.emplace(key, Value::Tuple(std::move(group)));
  return Bounded(Value::Object(std::move(attributes)), range);
}

absl::optional<Value> Evaluator::Visit(const ScopedExpression& node, const SourceRange&) {
  EvaluationScope inner(&scope_);
  inner.SetVariable(node.name, node.value);
  return Evaluator(inner, diagnostics_).Evaluate(*node.expression);
}

}  // namespace cloister::hcl
