// Reads the input as a job file and checks what must hold for any input: an answer, places within
// the file, and a task that ParseTaskSpec takes where nothing is wrong.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libs/hcl/diagnostic.h"
#include "libs/jobspec/job_file.h"
#include "libs/task/interpolation.h"

namespace cloister::jobspec {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

void ReadOne(const std::string& name, const std::string& bytes) {
  JobFile file = ReadJobFile(name, bytes, {{{"name", "value"}}});
  CheckJobFile(&file);
  for (const hcl::Diagnostic& diagnostic : file.diagnostics.kept()) {
    Check(!diagnostic.summary.empty());
    if (diagnostic.range) Check(diagnostic.range->end.byte <= bytes.size());
  }
  Check(hcl::RenderDiagnostics(file.diagnostics, file.source).find('\0') == std::string::npos);
  if (file.diagnostics.HasErrors()) return;
  Check(task::ParseInterpolated(task::InterpolateNowhere(file.config)).ok());
  Check(!file.config.config().command().empty());
}

}  // namespace
}  // namespace cloister::jobspec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  cloister::jobspec::ReadOne("fuzz.hcl", bytes);
  cloister::jobspec::ReadOne("fuzz.json", bytes);
  return 0;
}
