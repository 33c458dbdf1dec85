// Evaluating expressions.
//
// References that only the node can resolve: a scope may say of some root names (`attr`, `node`,
// `NOMAD_TASK_DIR`) that they are deferred. Then
// - `"${attr.kernel.name}/x"`, `"${env["HOME"]}"` and the bare `attr.kernel.name` evaluate to text
//   that has the reference as `${...}`, as written: the node interpolates it later. Such a Value
//   IsDeferred().
// - a deferred reference in an operator, a condition, an index, an object's key or a function call
//   is an error that says so. Functions that only move values (concat, merge, join, ...) may take
//   it.
// - `$${` stays `$${`, so that the text survives; the node's interpolation turns it into `${`.
// Without deferred roots `$${` gives `${`. `%%{` always gives `%{`.
// Text that is made otherwise, by functions or from a given variable, is not escaped: if it has
// `${`, the node interpolates that too, as with other implementations.
#ifndef CLOISTER_LIBS_HCL_EVALUATION_H_
#define CLOISTER_LIBS_HCL_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/functions.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

// Bounds on all evaluations in a scope together, so that no file takes for ever.
struct EvaluationLimits {
  // Expressions evaluated and elements visited.
  uint64_t steps = 1'000'000;
  // Weight (Value::weight) of any one value.
  uint64_t value_bytes = 4 << 20;
  // Weight of all that functions and templates read and make.
  uint64_t total_bytes = 256 << 20;
  // Nesting of a value.
  int value_depth = 100;
};

// Names and what they mean. A scope with a parent sees what the parent has, unless it has the name
// itself. Copyable; not to be used by two threads at once, for it counts what was used up.
class EvaluationScope {
 public:
  // No functions, nothing deferred: set what is needed.
  explicit EvaluationScope(const EvaluationLimits& limits = {}) : limits_(limits) {}
  // `parent` must outlive this scope.
  explicit EvaluationScope(const EvaluationScope* parent) : parent_(parent) {}

  void SetVariable(absl::string_view name, Value value);
  // The table must outlive the scope; usually &StandardFunctions().
  void SetFunctions(const FunctionTable* functions) { functions_ = functions; }
  // Says of a root name that does not name a variable whether the node will know it.
  void SetDeferred(std::function<bool(absl::string_view root)> is_deferred) {
    is_deferred_ = std::move(is_deferred);
  }

  // Says that `root.name` has no value because of an error that was diagnosed: what refers to it
  // has no value either, without a further error.
  void SetInvalid(absl::string_view root, absl::string_view name) { invalid_.emplace(root, name); }

  // Null if neither this scope nor a parent has it.
  const Value* FindVariable(absl::string_view name) const;
  // Of the nearest scope that has functions; null if none has.
  const FunctionTable* functions() const;
  bool IsDeferred(absl::string_view root) const;
  bool HasDeferred() const;
  bool IsInvalid(absl::string_view root, absl::string_view name) const;
  // Sorted, each once, those of the parents too.
  std::vector<std::string> VariableNames() const;

  const EvaluationLimits& limits() const { return Root().limits_; }
  // False, now and ever after, if more than the limits is used.
  bool Spend(uint64_t steps, uint64_t bytes) const;

 private:
  const EvaluationScope& Root() const { return parent_ == nullptr ? *this : parent_->Root(); }

  const EvaluationScope* parent_ = nullptr;
  EvaluationLimits limits_;
  Value::Attributes variables_;
  const FunctionTable* functions_ = nullptr;
  std::function<bool(absl::string_view root)> is_deferred_;
  std::set<std::pair<std::string, std::string>> invalid_;
  mutable uint64_t used_steps_ = 0;
  mutable uint64_t used_bytes_ = 0;
};

// None if there are errors, all of which are in `diagnostics`.
absl::optional<Value> Evaluate(const Expression& expression, const EvaluationScope& scope,
                               Diagnostics& diagnostics);

// The same with HCL's conversions to what the caller needs; null counts as a wrong type. Text and
// what is in lists and maps of text may be deferred; a deferred bool or number is an error.
absl::optional<std::string> EvaluateText(const Attribute& attribute, const EvaluationScope& scope,
                                         Diagnostics& diagnostics);
absl::optional<bool> EvaluateBool(const Attribute& attribute, const EvaluationScope& scope,
                                  Diagnostics& diagnostics);
absl::optional<int64_t> EvaluateInteger(const Attribute& attribute, const EvaluationScope& scope,
                                        Diagnostics& diagnostics);
absl::optional<double> EvaluateNumber(const Attribute& attribute, const EvaluationScope& scope,
                                      Diagnostics& diagnostics);
absl::optional<std::vector<std::string>> EvaluateTextList(const Attribute& attribute,
                                                          const EvaluationScope& scope,
                                                          Diagnostics& diagnostics);
absl::optional<std::map<std::string, std::string>> EvaluateTextMap(const Attribute& attribute,
                                                                   const EvaluationScope& scope,
                                                                   Diagnostics& diagnostics);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_EVALUATION_H_
