// A file of values for the variables of a job file (`--var-file`): `name = value`, in HCL or its
// JSON form.
#ifndef CLOISTER_LIBS_JOBSPEC_VARIABLE_FILE_H_
#define CLOISTER_LIBS_JOBSPEC_VARIABLE_FILE_H_

#include <string>
#include <vector>

#include "libs/hcl/diagnostic.h"
#include "libs/hcl/source.h"
#include "libs/hcl/variables.h"

namespace cloister::jobspec {

struct VariableFile {
  hcl::Source source;
  hcl::Diagnostics diagnostics;
  std::vector<hcl::GivenVariable> variables;
};

// Values may use the functions, and no names. `name` is for messages.
VariableFile ReadVariableFile(const std::string& name, std::string bytes);

// Of values that were given in this order, the last of each name: as the command line counts.
std::vector<hcl::GivenVariable> LastOfEach(const std::vector<hcl::GivenVariable>& given);

}  // namespace cloister::jobspec

#endif  // CLOISTER_LIBS_JOBSPEC_VARIABLE_FILE_H_
