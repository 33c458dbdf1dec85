// The syntax tree of expressions: what the parsers of both syntaxes make and the evaluator walks.
//
// No part of it is deeper than the parser's limit allows: what can be long without being nested
// (operators of one precedence, steps of a traversal, parts of a template) is a flat list.
#ifndef CLOISTER_LIBS_HCL_SYNTAX_H_
#define CLOISTER_LIBS_HCL_SYNTAX_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/variant.h"
#include "libs/hcl/source.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

struct Expression;
using ExpressionPointer = std::shared_ptr<const Expression>;

// 12, true, null
struct LiteralExpression {
  Value value;
};

struct TemplatePart;
using TemplateParts = std::vector<TemplatePart>;

struct TemplateText {
  std::string text;
};
// `$${`: text, but see evaluation.h.
struct TemplateEscape {};
// ${expression}
struct TemplateInterpolation {
  ExpressionPointer expression;
};
// %{if condition}...%{else}...%{endif}
struct TemplateIf {
  ExpressionPointer condition;
  TemplateParts then_parts;
  TemplateParts else_parts;
};
// %{for key, value in collection}...%{endfor}
struct TemplateFor {
  std::string key_name;  // Empty if there is none.
  std::string value_name;
  ExpressionPointer collection;
  TemplateParts parts;
};
struct TemplatePart {
  absl::variant<TemplateText, TemplateEscape, TemplateInterpolation, TemplateIf, TemplateFor> node;
};

// "..." or a heredoc. With one interpolation and nothing else the value is that of the expression.
struct TemplateExpression {
  TemplateParts parts;
};

// [a, b]
struct TupleExpression {
  std::vector<ExpressionPointer> elements;
};

// {a = b, (c) = d}
struct ObjectExpression {
  struct Item {
    ExpressionPointer key;  // A bare name has become a literal.
    ExpressionPointer value;
  };
  std::vector<Item> items;
};

// a, local.b: the name alone; what follows is a TraversalExpression's.
struct VariableExpression {
  std::string name;
};

struct TraversalStep;
using TraversalSteps = std::vector<TraversalStep>;

// .name
struct AttributeStep {
  std::string name;
};
// [expression]; `legacy` is .0
struct IndexStep {
  ExpressionPointer key;
  bool legacy = false;
};
// .*.steps or [*]steps
struct SplatStep {
  TraversalSteps steps;
};
struct TraversalStep {
  SourceRange range;
  absl::variant<AttributeStep, IndexStep, SplatStep> node;
};

struct TraversalExpression {
  ExpressionPointer base;
  TraversalSteps steps;
};

// f(a, b...)
struct CallExpression {
  std::string name;
  SourceRange name_range;
  std::vector<ExpressionPointer> arguments;
  bool expand_last = false;
};

enum class UnaryOperator { kNot, kNegate };

struct UnaryExpression {
  UnaryOperator op;
  ExpressionPointer operand;
};

enum class BinaryOperator {
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
};

// first op operand op operand ..., all of one precedence, from left to right.
struct BinaryExpression {
  struct Term {
    BinaryOperator op;
    SourceRange op_range;
    ExpressionPointer operand;
  };
  ExpressionPointer first;
  std::vector<Term> terms;
};

// condition ? then_value : else_value
struct ConditionalExpression {
  ExpressionPointer condition;
  ExpressionPointer then_value;
  ExpressionPointer else_value;
};

// [for key, value in collection : value if condition]
// {for key, value in collection : key => value... if condition}
struct ForExpression {
  std::string key_name;  // Empty if there is none.
  std::string value_name;
  ExpressionPointer collection;
  ExpressionPointer key;  // Null for a tuple.
  ExpressionPointer value;
  ExpressionPointer condition;  // Null if there is none.
  bool group = false;
};

// An expression within a `dynamic` block: a variable more than the scope has.
struct ScopedExpression {
  std::string name;
  Value value;
  ExpressionPointer expression;
};

struct Expression {
  SourceRange range;
  absl::variant<LiteralExpression, TemplateExpression, TupleExpression, ObjectExpression,
                VariableExpression, TraversalExpression, CallExpression, UnaryExpression,
                BinaryExpression, ConditionalExpression, ForExpression, ScopedExpression>
      node;
  // A name in parentheses is an expression where a bare one is text: as an object's key.
  bool parenthesised = false;
};

template <typename Node>
ExpressionPointer MakeExpression(const SourceRange& range, Node node) {
  auto expression = std::make_shared<Expression>();
  expression->range = range;
  expression->node = std::move(node);
  return expression;
}

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_SYNTAX_H_
