#include "libs/jobspec/variable_file.h"

#include <map>
#include <utility>

#include "absl/types/optional.h"
#include "libs/hcl/evaluation.h"
#include "libs/hcl/file.h"
#include "libs/hcl/functions.h"

namespace cloister::jobspec {

VariableFile ReadVariableFile(const std::string& name, std::string bytes) {
  hcl::Diagnostics diagnostics;
  const hcl::File parsed = hcl::File::Parse(name, std::move(bytes), {}, diagnostics);
  VariableFile file = {parsed.source(), std::move(diagnostics), {}};
  hcl::EvaluationScope scope;
  scope.SetFunctions(&hcl::StandardFunctions());
  for (const auto& [variable, attribute] : parsed.body().JustAttributes(file.diagnostics)) {
    absl::optional<hcl::Value> value =
        hcl::Evaluate(*attribute.expression, scope, file.diagnostics);
    if (value) file.variables.push_back({variable, "", *std::move(value)});
  }
  file.diagnostics.SortByPosition();
  return file;
}

std::vector<hcl::GivenVariable> LastOfEach(const std::vector<hcl::GivenVariable>& given) {
  std::map<std::string, hcl::GivenVariable> last;
  for (const hcl::GivenVariable& variable : given) last[variable.name] = variable;
  std::vector<hcl::GivenVariable> variables;
  variables.reserve(last.size());
  for (auto& [name, variable] : last) variables.push_back(std::move(variable));
  return variables;
}

}  // namespace cloister::jobspec
