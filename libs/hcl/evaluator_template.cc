// The part of Evaluator that is about templates.
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/hcl/evaluator.h"

namespace cloister::hcl {

// What a template has become so far.
struct Evaluator::TemplateText {
  std::string text;
  bool deferred = false;
};

absl::optional<Value> Evaluator::Visit(const TemplateExpression& node, const SourceRange& range) {
  // "${a}" is a itself, not its text.
  if (node.parts.size() == 1) {
    if (const auto* part = absl::get_if<TemplateInterpolation>(&node.parts.front().node)) {
      return Evaluate(*part->expression);
    }
  }
  TemplateText out;
  if (!AppendParts(node.parts, range, out)) return absl::nullopt;
  return Bounded(out.deferred ? Value::DeferredString(std::move(out.text))
                              : Value::String(std::move(out.text)),
                 range);
}

bool Evaluator::AppendParts(const TemplateParts& parts, const SourceRange& range,
                            TemplateText& out) {
  for (const TemplatePart& part : parts) {
    if (!scope_.Spend(1, 0)) return false;
    bool ok = true;
    if (const auto* text = absl::get_if<hcl::TemplateText>(&part.node)) {
      out.text += text->text;
    } else if (absl::holds_alternative<TemplateEscape>(part.node)) {
      out.text += scope_.HasDeferred() ? "$${" : "${";
    } else if (const auto* interpolation = absl::get_if<TemplateInterpolation>(&part.node)) {
      ok = AppendInterpolation(*interpolation, out);
    } else if (const auto* condition = absl::get_if<TemplateIf>(&part.node)) {
      ok = AppendIf(*condition, range, out);
    } else {
      ok = AppendFor(absl::get<TemplateFor>(part.node), range, out);
    }
    if (!ok) return false;
    if (out.text.size() > scope_.limits().value_bytes) {
      Error("Value too large",
            absl::StrCat("Text may have ", scope_.limits().value_bytes, " bytes."), range);
      return false;
    }
  }
  return true;
}

bool Evaluator::AppendInterpolation(const TemplateInterpolation& part, TemplateText& out) {
  const absl::optional<Value> value = Evaluate(*part.expression);
  if (!value) return false;
  const absl::optional<std::string> text = value->ToText();
  if (!text) {
    Error("Invalid template interpolation value",
          absl::StrCat("A string is required here, to be put into the text; this is ",
                       KindInWords(value->kind()), "."),
          part.expression->range);
    return false;
  }
  if (!scope_.Spend(0, text->size())) return false;
  out.text += *text;
  out.deferred = out.deferred || value->IsDeferred();
  return true;
}

bool Evaluator::AppendIf(const TemplateIf& part, const SourceRange& range, TemplateText& out) {
  const absl::optional<bool> condition = EvaluateCondition(*part.condition);
  return condition && AppendParts(*condition ? part.then_parts : part.else_parts, range, out);
}

bool Evaluator::AppendFor(const TemplateFor& part, const SourceRange& range, TemplateText& out) {
  return ForEach(*part.collection, part.key_name, part.value_name,
                 [&](const Value&, const Value&, const EvaluationScope& scope) {
                   return Evaluator(scope, diagnostics_).AppendParts(part.parts, range, out);
                 });
}

}  // namespace cloister::hcl
