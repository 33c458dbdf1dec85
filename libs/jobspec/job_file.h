// Job files: `job`, `group` and `task` in HCL or its JSON form, or a `task` alone, as the task that
// they are.
//
//   JobFile file = ReadJobFile("web.hcl", bytes, {});
//   CheckJobFile(&file);
//   std::cerr << hcl::RenderDiagnostics(file.diagnostics, file.source);
//   if (!file.diagnostics.HasErrors()) Start(file.config);
#ifndef CLOISTER_LIBS_JOBSPEC_JOB_FILE_H_
#define CLOISTER_LIBS_JOBSPEC_JOB_FILE_H_

#include <string>
#include <vector>

#include "cloister/v1/task.pb.h"
#include "libs/base/field_violations.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/source.h"
#include "libs/hcl/variables.h"
#include "libs/jobspec/field_places.h"

namespace cloister::jobspec {

struct JobFileOptions {
  std::vector<hcl::GivenVariable> variables;
};

struct JobFile {
  hcl::Source source;
  // All that is wrong, by position; the warnings are notices of what has no effect here.
  hcl::Diagnostics diagnostics;
  // To be used only if nothing is wrong.
  v1::TaskConfig config;
  // Of the fields of `config`.
  FieldPlaces places;
};

// Reads what stands in the file, and no other file. `name` is for messages: the path, or
// "<stdin>". Its bytes are a stranger's: at most 1 MiB, with bounded nesting and evaluation.
JobFile ReadJobFile(const std::string& name, std::string bytes, const JobFileOptions& options);

// Adds what is wrong with the configuration itself, wherever it runs (ParseTaskSpec), if the file
// could be read: references to a node are taken on trust.
void CheckJobFile(JobFile* file);

// Adds the violations of `file->config` that a server told, each at its place in the file.
void AddViolations(const std::vector<FieldViolation>& violations, JobFile* file);

}  // namespace cloister::jobspec

#endif  // CLOISTER_LIBS_JOBSPEC_JOB_FILE_H_
