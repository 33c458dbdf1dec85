#include "absl/strings/str_cat.h"
#include "tools/cloister/error_text.h"
#include "tools/cloister/exit_code.h"
#include "tools/cloister/job_files.h"
#include "tools/cloister/table.h"
#include "tools/cloister/task_flags.h"
#include "tools/cloister/verb.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

class ExplainVerb : public Verb {
 public:
  absl::string_view name() const override { return "explain"; }
  absl::string_view arguments() const override { return "[flags] FILE | -- COMMAND [ARG...]"; }
  absl::string_view summary() const override {
    return "Show what a run would do, without doing it";
  }
  absl::string_view details() const override {
    return "Takes a job file, or the flags of run that say what the task is. The text is for "
           "people, with the reason\n"
           "for what was derived: its form may change. A value of the environment is never "
           "shown.\n";
  }

  void DeclareFlags(FlagSet* flags) override {
    task_.Declare(flags);
    job_.Declare(flags);
    flags->Switch("text", &plan_, "The whole plan as text proto, environment values redacted.");
    flags->Switch("plan", &plan_, "The same as --text.");
    flags->Switch("security", &security_, "What would fence it, and what of the fence is missing.");
    flags->Switch("json", &json_, "Both as JSON.");
    flags->StopAtFirstArgument(&behind_dashes_);
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    if (arguments.empty()) {
      return WithHint(absl::InvalidArgumentError("FILE or COMMAND is missing"),
                      "cloister explain job.hcl, or cloister explain -- /bin/echo hello");
    }
    if (!behind_dashes_ && IsJobFile(arguments[0])) return ExplainFile(arguments, session);
    absl::Status fitting = job_.ExpectNone();
    if (!fitting.ok()) return fitting;
    absl::StatusOr<v1::TaskConfig> config = task_.MakeConfig(arguments, session->environment);
    if (!config.ok()) return config.status();
    return Explain(*config, *session);
  }

 private:
  absl::StatusOr<int> ExplainFile(const std::vector<std::string>& arguments, Session* session) {
    absl::Status fitting = job_.ParseBehindFile(arguments, task_, this, session);
    if (!fitting.ok()) return fitting;
    absl::StatusOr<jobspec::JobFile> file = job_.Read(arguments[0]);
    if (!file.ok()) return file.status();
    if (file->diagnostics.HasErrors()) {
      TellProblems(*file, /*notices=*/false, *session);
      return kExitBadInput;
    }
    absl::StatusOr<int> code = Explain(file->config, *session);
    if (!code.ok() && TellViolations(code.status(), &*file, *session)) return kExitBadInput;
    return code;
  }

  absl::StatusOr<int> Explain(const v1::TaskConfig& config, const Session& session) {
    absl::StatusOr<std::unique_ptr<Client>> client = session.Connect();
    if (!client.ok()) return client.status();
    v1::ExplainTaskRequest request;
    request.set_node_id(task_.node());
    *request.mutable_config() = config;
    absl::StatusOr<v1::ExplainTaskResponse> response = (*client)->ExplainTask(request);
    if (!response.ok()) return response.status();
    std::string text = plan_ ? response->plan() : response->text();
    if (security_) {
      Fields fields;
      AddFence(response->fence(), &fields);
      text = fields.ToString(session.out);
    }
    absl::Status printed = json_ ? PrintJson(*response) : Print(text);
    if (!printed.ok()) return printed;
    return 0;
  }

  TaskFlags task_;
  JobFileFlags job_;
  bool behind_dashes_ = false;
  bool plan_ = false;
  bool security_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeExplainVerb() { return std::make_unique<ExplainVerb>(); }

}  // namespace cloister
