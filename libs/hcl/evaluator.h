// Walks over a syntax tree. Its depth is bounded by the parser, its work by the scope's limits.
#ifndef CLOISTER_LIBS_HCL_EVALUATOR_H_
#define CLOISTER_LIBS_HCL_EVALUATOR_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/evaluation.h"
#include "libs/hcl/syntax.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

// None means that errors were diagnosed, or that the scope's limits are used up, which whoever
// began the evaluation has to say.
class Evaluator {
 public:
  Evaluator(const EvaluationScope& scope, Diagnostics& diagnostics)
      : scope_(scope), diagnostics_(diagnostics) {}

  absl::optional<Value> Evaluate(const Expression& expression);

 private:
  absl::optional<Value> Visit(const LiteralExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const TemplateExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const TupleExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const ObjectExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const VariableExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const TraversalExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const CallExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const UnaryExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const BinaryExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const ConditionalExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const ForExpression& node, const SourceRange& range);
  absl::optional<Value> Visit(const ScopedExpression& node, const SourceRange& range);

  // Templates (evaluator_template.cc).
  struct TemplateText;
  bool AppendParts(const TemplateParts& parts, const SourceRange& range, TemplateText& out);
  bool AppendInterpolation(const TemplateInterpolation& part, TemplateText& out);
  bool AppendIf(const TemplateIf& part, const SourceRange& range, TemplateText& out);
  bool AppendFor(const TemplateFor& part, const SourceRange& range, TemplateText& out);

  // Traversals (evaluator_traversal.cc).
  bool IsInvalidReference(const TraversalExpression& node) const;
  const std::string* DeferredRoot(const Expression& base) const;
  absl::optional<Value> DeferredReference(const std::string& root, const TraversalSteps& steps);
  absl::optional<Value> ApplySteps(Value value, absl::Span<const TraversalStep> steps);
  absl::optional<Value> ApplyAttribute(const Value& value, const AttributeStep& step,
                                       const SourceRange& range);
  absl::optional<Value> ApplyIndex(const Value& value, const IndexStep& step,
                                   const SourceRange& range);
  absl::optional<Value> IndexTuple(const Value& tuple, const Value& key, const SourceRange& range);
  absl::optional<Value> ApplySplat(const Value& value, const SplatStep& step,
                                   const SourceRange& range);

  // Calls (evaluator_call.cc).
  absl::optional<Value> Call(const Function& function, const CallExpression& node,
                             const SourceRange& range);
  bool EvaluateArguments(const CallExpression& node, std::vector<Value>& arguments,
                         std::vector<SourceRange>& ranges);
  absl::optional<Value> EvaluateCan(const CallExpression& node, const SourceRange& range);
  absl::optional<Value> EvaluateConvert(const CallExpression& node, const SourceRange& range);
  absl::optional<Value> EvaluateTry(const CallExpression& node, const SourceRange& range);

  // An error; always none.
  absl::nullopt_t Error(absl::string_view summary, absl::string_view detail,
                        const SourceRange& range);
  // The error that something is known only on the node, where `what` would have to be known.
  absl::nullopt_t Deferred(absl::string_view what, const SourceRange& range);
  // The value, if it is within the limits.
  absl::optional<Value> Bounded(Value value, const SourceRange& range);
  // A bool that is known, for `what`: "condition".
  absl::optional<bool> EvaluateCondition(const Expression& expression);
  // Calls `visit(key, value, scope)`, with a scope that has the names, for each element, until it
  // is false. False if it was, or after an error.
  using ElementVisitor =
      std::function<bool(const Value& key, const Value& value, const EvaluationScope& scope)>;
  bool ForEach(const Expression& collection, const std::string& key_name,
               const std::string& value_name, const ElementVisitor& visit);
  // One turn of a 'for' expression that makes an object.
  bool AddForAttribute(const ForExpression& node, Evaluator& inner, Value::Attributes& attributes,
                       std::map<std::string, Value::Elements>& groups);

  const EvaluationScope& scope_;
  Diagnostics& diagnostics_;
};

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_EVALUATOR_H_
