#include "absl/strings/str_cat.h"
#include "tools/cloister/exit_code.h"
#include "tools/cloister/job_files.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

class ValidateVerb : public Verb {
 public:
  absl::string_view name() const override { return "validate"; }
  absl::string_view arguments() const override { return "[flags] FILE"; }
  absl::string_view summary() const override {
    return "Say what is wrong with a job file, without a cluster";
  }
  absl::string_view details() const override {
    return "FILE is HCL or its JSON form; - is stdin. Every problem is shown at its place, and so "
           "is "
           "what has no effect\n"
           "here. Exits with 0 if the file can be run, else with 2. What only a node knows (its "
           "policy, its attributes,\n"
           "what is in its volumes) is told by explain and run.\n";
  }

  void DeclareFlags(FlagSet* flags) override { job_.Declare(flags); }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {"FILE"});
    if (!expected.ok()) return expected;
    absl::StatusOr<jobspec::JobFile> file = job_.Read(arguments[0]);
    if (!file.ok()) return file.status();
    TellProblems(*file, /*notices=*/true, *session);
    if (file->diagnostics.HasErrors()) return kExitBadInput;
    absl::Status printed = Print(absl::StrCat(Printable(file->source.name()), ": the task ",
                                              Printable(file->config.name()), " can be run\n"));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  JobFileFlags job_;
};

}  // namespace

std::unique_ptr<Verb> MakeValidateVerb() { return std::make_unique<ValidateVerb>(); }

}  // namespace cloister
