// Job files on the command line: the verbs that take FILE read it, and say what is wrong with it,
// alike.
#ifndef CLOISTER_TOOLS_CLOISTER_JOB_FILES_H_
#define CLOISTER_TOOLS_CLOISTER_JOB_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/hcl/variables.h"
#include "libs/jobspec/job_file.h"
#include "tools/cloister/flags.h"
#include "tools/cloister/task_flags.h"
#include "tools/cloister/verb.h"

namespace cloister {

// Whether `run WORD` means a file: it ends in .hcl, .json or .nomad, or is "-", stdin. A command of
// such a name is run by `run -- WORD`.
bool IsJobFile(absl::string_view word);

class JobFileFlags {
 public:
  // --var and --var-file; this object outlives `flags`' use.
  void Declare(FlagSet* flags);

  // For verbs that take flags of a task, too, and whose flags end at the first argument: parses
  // the flags that stand behind the file, and refuses those that say what the file says.
  // `arguments` begin with the file.
  absl::Status ParseBehindFile(const std::vector<std::string>& arguments, const TaskFlags& task,
                               Verb* verb, Session* session) const;
  // The other way round: no variables where there is no file.
  absl::Status ExpectNone() const;

  // Reads the file, and checks it as far as no server is needed. The errors of the status are about
  // files that cannot be read, or hold values of variables and are wrong; what is wrong with the
  // job is in its diagnostics.
  absl::StatusOr<jobspec::JobFile> Read(const std::string& path) const;

 private:
  // In the order of the command line.
  struct Given {
    bool is_file = false;
    std::string text;
  };
  absl::StatusOr<std::vector<hcl::GivenVariable>> Variables() const;

  std::vector<Given> given_;
};

// The diagnostics on stderr, as a compiler shows them, and at the end how many they are. Without
// `notices` only the errors.
void TellProblems(const jobspec::JobFile& file, bool notices, const Session& session);

// If the status has violations of fields: tells them at their places in the file, and is true.
bool TellViolations(const absl::Status& status, jobspec::JobFile* file, const Session& session);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_JOB_FILES_H_
