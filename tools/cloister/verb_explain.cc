#include "absl/strings/str_cat.h"
#include "tools/cloister/task_flags.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

class ExplainVerb : public Verb {
 public:
  absl::string_view name() const override { return "explain"; }
  absl::string_view arguments() const override { return "[flags] -- COMMAND [ARG...]"; }
  absl::string_view summary() const override {
    return "Show what a run would do, without doing it";
  }
  absl::string_view details() const override {
    return "Takes the flags of run that say what the task is. The text is for people: its form may "
           "change.\n";
  }

  void DeclareFlags(FlagSet* flags) override {
    task_.Declare(flags);
    flags->Switch("plan", &plan_, "The whole plan as text proto, environment values redacted.");
    flags->Switch("json", &json_, "Both as JSON.");
    flags->StopAtFirstArgument();
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    if (arguments.empty()) return absl::InvalidArgumentError("COMMAND is missing");
    absl::StatusOr<v1::TaskConfig> config = task_.MakeConfig(arguments, session->environment);
    if (!config.ok()) return config.status();
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    v1::ExplainTaskRequest request;
    request.set_node_id(task_.node());
    *request.mutable_config() = *std::move(config);
    absl::StatusOr<v1::ExplainTaskResponse> response = (*client)->ExplainTask(request);
    if (!response.ok()) return response.status();
    absl::Status printed =
        json_ ? PrintJson(*response) : Print(plan_ ? response->plan() : response->text());
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  TaskFlags task_;
  bool plan_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeExplainVerb() { return std::make_unique<ExplainVerb>(); }

}  // namespace cloister
