// The part of Evaluator that is about names and what follows them.
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/hcl/evaluator.h"
#include "libs/hcl/suggestion.h"

namespace cloister::hcl {
namespace {

std::string QuotedKey(absl::string_view key) {
  std::string quoted = "\"";
  for (const char c : key) {
    switch (c) {
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '"':
      case '\\':
        quoted += '\\';
        quoted += c;
        break;
      default:
        quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

absl::optional<Value> Evaluator::Visit(const VariableExpression& node, const SourceRange& range) {
  if (const Value* value = scope_.FindVariable(node.name)) return *value;
  if (scope_.IsDeferred(node.name)) return DeferredReference(node.name, {});
  const std::vector<std::string> names = scope_.VariableNames();
  return Error("Unknown variable",
               absl::StrCat("There is no variable named \"", node.name, "\".",
                            DidYouMean(node.name, {names.begin(), names.end()}, diagnostics_)),
               range);
}

absl::optional<Value> Evaluator::Visit(const TraversalExpression& node, const SourceRange&) {
  if (const std::string* root = DeferredRoot(*node.base)) {
    return DeferredReference(*root, node.steps);
  }
  if (IsInvalidReference(node)) return absl::nullopt;
  absl::optional<Value> base = Evaluate(*node.base);
  if (!base) return absl::nullopt;
  return ApplySteps(*std::move(base), node.steps);
}

// Whether the error is another one, which was diagnosed already.
bool Evaluator::IsInvalidReference(const TraversalExpression& node) const {
  const auto* variable = absl::get_if<VariableExpression>(&node.base->node);
  const auto* step = absl::get_if<AttributeStep>(&node.steps.front().node);
  return variable != nullptr && step != nullptr && scope_.IsInvalid(variable->name, step->name);
}

const std::string* Evaluator::DeferredRoot(const Expression& base) const {
  const auto* variable = absl::get_if<VariableExpression>(&base.node);
  if (variable == nullptr || scope_.FindVariable(variable->name) != nullptr) return nullptr;
  return scope_.IsDeferred(variable->name) ? &variable->name : nullptr;
}

absl::optional<Value> Evaluator::DeferredReference(const std::string& root,
                                                   const TraversalSteps& steps) {
  std::string text = absl::StrCat("${", root);
  for (const TraversalStep& step : steps) {
    if (const auto* attribute = absl::get_if<AttributeStep>(&step.node)) {
      absl::StrAppend(&text, ".", attribute->name);
      continue;
    }
    const auto* index = absl::get_if<IndexStep>(&step.node);
    if (index == nullptr) return Deferred("the list of a splat", step.range);
    absl::optional<Value> key = Evaluate(*index->key);
    if (!key) return absl::nullopt;
    if (key->IsDeferred()) return Deferred("an index", index->key->range);
    const absl::optional<std::string> key_text = key->ToText();
    if (!key_text) {
      return Error("Invalid index", "A string or a number is required as index.",
                   index->key->range);
    }
    if (index->legacy) {
      absl::StrAppend(&text, ".", *key_text);
    } else {
      absl::StrAppend(&text, "[", key->IsString() ? QuotedKey(*key_text) : *key_text, "]");
    }
  }
  return Value::DeferredString(text + "}");
}

absl::optional<Value> Evaluator::ApplySteps(Value value, absl::Span<const TraversalStep> steps) {
  for (const TraversalStep& step : steps) {
    if (!scope_.Spend(1, 0)) return absl::nullopt;
    if (value.IsString() && value.IsDeferred()) return Deferred("looked into", step.range);
    absl::optional<Value> next;
    if (const auto* attribute = absl::get_if<AttributeStep>(&step.node)) {
      next = ApplyAttribute(value, *attribute, step.range);
    } else if (const auto* index = absl::get_if<IndexStep>(&step.node)) {
      next = ApplyIndex(value, *index, step.range);
    } else {
      next = ApplySplat(value, absl::get<SplatStep>(step.node), step.range);
    }
    if (!next) return absl::nullopt;
    value = *std::move(next);
  }
  return value;
}

absl::optional<Value> Evaluator::ApplyAttribute(const Value& value, const AttributeStep& step,
                                                const SourceRange& range) {
  if (const Value* found = value.Find(step.name)) return *found;
  constexpr absl::string_view kUnsupported = "Unsupported attribute";
  if (value.IsObject()) {
    std::vector<absl::string_view> names;
    for (const auto& [name, attribute] : value.attributes()) names.push_back(name);
    return Error(kUnsupported,
                 absl::StrCat("This object does not have an attribute named \"", step.name, "\".",
                              DidYouMean(step.name, names, diagnostics_)),
                 range);
  }
  if (value.IsNull()) {
    return Error("Attempt to get attribute from null value",
                 "This value is null, so it does not have any attributes.", range);
  }
  return Error(
      kUnsupported,
      value.IsTuple()
          ? absl::StrCat("This is a list; for the attribute of each element write [*].", step.name,
                         ".")
          : absl::StrCat("Only objects have attributes; this is ", KindInWords(value.kind()), "."),
      range);
}

absl::optional<Value> Evaluator::ApplyIndex(const Value& value, const IndexStep& step,
                                            const SourceRange& range) {
  const absl::optional<Value> key = Evaluate(*step.key);
  if (!key) return absl::nullopt;
  if (key->IsDeferred()) return Deferred("an index", step.key->range);
  if (value.IsTuple()) return IndexTuple(value, *key, step.key->range);
  if (value.IsObject()) {
    const absl::optional<std::string> name = key->ToText();
    if (!name) return Error("Invalid index", "The key of an object is a string.", step.key->range);
    if (const Value* found = value.Find(*name)) return *found;
    return Error("Invalid index", absl::StrCat("This object has no element \"", *name, "\"."),
                 step.key->range);
  }
  if (value.IsNull()) {
    return Error("Attempt to index null value",
                 "This value is null, so it does not have any elements.", range);
  }
  return Error("Invalid index",
               absl::StrCat("Only lists and objects have elements; this is ",
                            KindInWords(value.kind()), "."),
               range);
}

absl::optional<Value> Evaluator::IndexTuple(const Value& tuple, const Value& key,
                                            const SourceRange& range) {
  const absl::optional<int64_t> index = key.ToInteger();
  if (!index) return Error("Invalid index", "The index of a list is a whole number.", range);
  const size_t size = tuple.elements().size();
  if (*index < 0) {
    return Error("Invalid index", "The index of a list may not be negative.", range);
  }
  if (static_cast<uint64_t>(*index) >= size) {
    return Error("Invalid index",
                 absl::StrCat("There is no element ", *index, ": the list has ", size,
                              size == 1 ? " element" : " elements", ", and the first one is 0."),
                 range);
  }
  return tuple.elements()[*index];
}

absl::optional<Value> Evaluator::ApplySplat(const Value& value, const SplatStep& step,
                                            const SourceRange& range) {
  // Null is no element, any other single value is one.
  Value::Elements sources;
  if (value.IsTuple()) {
    sources = value.elements();
  } else if (!value.IsNull()) {
    sources.push_back(value);
  }
  Value::Elements results;
  for (Value& source : sources) {
    if (!scope_.Spend(1, 0)) return absl::nullopt;
    absl::optional<Value> result = ApplySteps(std::move(source), step.steps);
    if (!result) return absl::nullopt;
    results.push_back(*std::move(result));
  }
  return Bounded(Value::Tuple(std::move(results)), range);
}

}  // namespace cloister::hcl
