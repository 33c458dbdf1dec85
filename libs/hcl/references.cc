#include "libs/hcl/references.h"

namespace cloister::hcl {
namespace {

// Walks over the whole tree; its depth is bounded by the parser.
class Walker {
 public:
  explicit Walker(absl::string_view root) : root_(root) {}

  References Take() { return std::move(references_); }

  void Walk(const ExpressionPointer& expression) {
    if (expression == nullptr) return;
    absl::visit([&](const auto& node) { Visit(node, expression->range); }, expression->node);
  }

  void Visit(const LiteralExpression&, const SourceRange&) {}
  void Visit(const TemplateExpression& node, const SourceRange&) { WalkParts(node.parts); }
  void Visit(const TupleExpression& node, const SourceRange&) {
    for (const ExpressionPointer& element : node.elements) Walk(element);
  }
  void Visit(const ObjectExpression& node, const SourceRange&) {
    for (const ObjectExpression::Item& item : node.items) {
      Walk(item.key);
      Walk(item.value);
    }
  }
  void Visit(const VariableExpression& node, const SourceRange& range) {
    if (node.name == root_) references_.whole.push_back(range);
  }
  void Visit(const TraversalExpression& node, const SourceRange&) {
    const std::string* name = FirstName(node);
    if (name != nullptr) {
      references_.names.insert(*name);
    } else {
      Walk(node.base);
    }
    WalkSteps(node.steps);
  }
  void Visit(const CallExpression& node, const SourceRange&) {
    for (const ExpressionPointer& argument : node.arguments) Walk(argument);
  }
  void Visit(const UnaryExpression& node, const SourceRange&) { Walk(node.operand); }
  void Visit(const BinaryExpression& node, const SourceRange&) {
    Walk(node.first);
    for (const BinaryExpression::Term& term : node.terms) Walk(term.operand);
  }
  void Visit(const ConditionalExpression& node, const SourceRange&) {
    Walk(node.condition);
    Walk(node.then_value);
    Walk(node.else_value);
  }
  void Visit(const ForExpression& node, const SourceRange&) {
    Walk(node.collection);
    Walk(node.key);
    Walk(node.value);
    Walk(node.condition);
  }
  void Visit(const ScopedExpression& node, const SourceRange&) { Walk(node.expression); }

 private:
  // The name behind the root, if this is a reference to one.
  const std::string* FirstName(const TraversalExpression& node) const {
    const auto* variable = absl::get_if<VariableExpression>(&node.base->node);
    if (variable == nullptr || variable->name != root_) return nullptr;
    if (const auto* step = absl::get_if<AttributeStep>(&node.steps.front().node)) {
      return &step->name;
    }
    const auto* step = absl::get_if<IndexStep>(&node.steps.front().node);
    if (step == nullptr) return nullptr;
    const auto* key = absl::get_if<LiteralExpression>(&step->key->node);
    return key != nullptr && key->value.IsString() ? &key->value.text() : nullptr;
  }

  void WalkSteps(const TraversalSteps& steps) {
    for (const TraversalStep& step : steps) {
      if (const auto* index = absl::get_if<IndexStep>(&step.node)) Walk(index->key);
      if (const auto* splat = absl::get_if<SplatStep>(&step.node)) WalkSteps(splat->steps);
    }
  }

  void WalkParts(const TemplateParts& parts) {
    for (const TemplatePart& part : parts) {
      if (const auto* interpolation = absl::get_if<TemplateInterpolation>(&part.node)) {
        Walk(interpolation->expression);
      } else if (const auto* condition = absl::get_if<TemplateIf>(&part.node)) {
        Walk(condition->condition);
        WalkParts(condition->then_parts);
        WalkParts(condition->else_parts);
      } else if (const auto* loop = absl::get_if<TemplateFor>(&part.node)) {
        Walk(loop->collection);
        WalkParts(loop->parts);
      }
    }
  }

  absl::string_view root_;
  References references_;
};

}  // namespace

References FindReferences(absl::string_view root, const Expression& expression) {
  Walker walker(root);
  absl::visit([&](const auto& node) { walker.Visit(node, expression.range); }, expression.node);
  return walker.Take();
}

}  // namespace cloister::hcl
