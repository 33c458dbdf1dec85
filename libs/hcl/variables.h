// `variable` and `locals` blocks.
//
//   variable "region" {
//     type    = string
//     default = "eu"
//   }
//   locals { name = "web-${var.region}" }
#ifndef CLOISTER_LIBS_HCL_VARIABLES_H_
#define CLOISTER_LIBS_HCL_VARIABLES_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/evaluation.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

// A value from the command line: `--var name=value`. For a variable of type string, or of no type,
// it is the text as it is; for any other type it is an expression of literals: `["a", "b"]`, `3`.
struct GivenVariable {
  std::string name;
  std::string value;
  // Of a file of values, where it is one already; then `value` is not looked at.
  absl::optional<Value> evaluated = absl::nullopt;
};

// Reads these blocks from `body`, sets `var` and `local` in `scope` and gives the rest of the body.
// Locals may refer to each other in any order. Errors, beside those of expressions: a value for a
// variable that is not declared, none for one without default, a wrong type, a name that is
// declared or given twice, locals that depend on themselves. Values with errors are left out of
// `var` and `local`.
//
// A variable may have: type (string, number, bool, any, list(T), set(T), map(T), tuple([T...]),
// object({name = T, ...}) with optional(T)), default, description.
//
// `scope` has the functions, and the deferred roots: locals may hold deferred text.
Body DefineVariables(const Body& body, const std::vector<GivenVariable>& given,
                     EvaluationScope& scope, Diagnostics& diagnostics);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_VARIABLES_H_
