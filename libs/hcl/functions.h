// The functions that expressions can call: those that task files use, as Nomad has them.
//
// They are pure: what reads the machine on which a file is evaluated (file, abspath, ...), the time
// or randomness (timestamp, uuidv4, bcrypt) is refused by name. Not there: yamldecode, yamlencode.
// `can`, `try` and `convert` are in the table for their names; the evaluator carries them out.
#ifndef CLOISTER_LIBS_HCL_FUNCTIONS_H_
#define CLOISTER_LIBS_HCL_FUNCTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

// What a function may use up: it asks before it makes or does what could be more than its
// arguments.
class FunctionBudget {
 public:
  explicit FunctionBudget(uint64_t bytes) : left_(bytes) {}
  // RESOURCE_EXHAUSTED if `bytes` more is too much.
  absl::Status Spend(uint64_t bytes);
  uint64_t left() const { return left_; }

 private:
  uint64_t left_;
};

struct FunctionCall {
  absl::Span<const Value> arguments;  // As many, and of the kinds, that `parameters` says.
  FunctionBudget* budget;
};

using FunctionBody = absl::StatusOr<Value> (*)(const FunctionCall& call);

struct Function {
  absl::string_view name;
  // "replace(text, search, replacement)"
  absl::string_view signature;
  // A letter for each parameter: s text, n number, i integer, b bool, l list, m object, . anything.
  // Arguments are converted to it. The last one may be followed by ? (may be left out) or * (any
  // number of them).
  absl::string_view parameters;
  FunctionBody body;  // Null for `can`, `try` and `convert`.
  // It moves values without looking into them, so that they may be deferred (evaluation.h).
  bool takes_deferred = false;
};

using FunctionTable = std::map<absl::string_view, Function>;

const FunctionTable& StandardFunctions();

// Why a well-known function is not there, as a sentence; empty for a name that is not known.
absl::string_view WhyFunctionIsRefused(absl::string_view name);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_FUNCTIONS_H_
