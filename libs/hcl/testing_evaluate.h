// For tests: text in, values and diagnostics out as text.
#ifndef CLOISTER_LIBS_HCL_TESTING_EVALUATE_H_
#define CLOISTER_LIBS_HCL_TESTING_EVALUATE_H_

#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/evaluation.h"
#include "libs/hcl/file.h"
#include "libs/hcl/functions.h"
#include "libs/hcl/json_text.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

// One line for each: "1:5: Summary: detail".
inline std::string TextOf(const Diagnostics& diagnostics) {
  std::ostringstream text;
  for (const Diagnostic& diagnostic : diagnostics.kept()) text << diagnostic << "\n";
  return text.str();
}

// A scope as that of a task file: functions, and the roots that only a node knows.
inline EvaluationScope TaskFileScope() {
  EvaluationScope scope;
  scope.SetFunctions(&StandardFunctions());
  scope.SetDeferred([](absl::string_view root) {
    return root == "attr" || root == "node" || root == "meta" || root == "env" ||
           root.substr(0, 6) == "NOMAD_";
  });
  return scope;
}

// The value of the attribute "x" of a file, as JSON, or the diagnostics.
inline std::string EvaluateFile(absl::string_view text, const EvaluationScope& scope,
                                absl::string_view name = "test.hcl") {
  Diagnostics diagnostics;
  const File file = File::Parse(std::string(name), std::string(text), {}, diagnostics);
  const BodyContent content = file.body().Content({{{"x"}}, {}}, diagnostics);
  std::string result;
  if (const Attribute* attribute = content.Find("x")) {
    const absl::optional<Value> value = Evaluate(*attribute->expression, scope, diagnostics);
    if (value) result = JsonText(*value);
  }
  return diagnostics.kept().empty() ? result : TextOf(diagnostics);
}

// The same for `x = <expression>`, with functions and nothing deferred.
inline std::string EvaluateExpression(absl::string_view expression,
                                      Value::Attributes variables = {}) {
  EvaluationScope scope;
  scope.SetFunctions(&StandardFunctions());
  for (auto& [name, value] : variables) scope.SetVariable(name, value);
  return EvaluateFile(absl::StrCat("x = ", expression, "\n"), scope);
}

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_TESTING_EVALUATE_H_
