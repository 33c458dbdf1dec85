#include "tools/cloister/exit_code.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

class WaitVerb : public Verb {
 public:
  absl::string_view name() const override { return "wait"; }
  absl::string_view arguments() const override { return "[flags] TASK"; }
  absl::string_view summary() const override {
    return "Wait until a task has ended, and exit as it did";
  }
  absl::string_view details() const override {
    return "Prints how it ended and exits with the task's own code, 128+N when signal N killed it, "
           "125 when it\n"
           "could not be started, 1 when nobody knows.\n";
  }
  absl::string_view completes() const override { return "task"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("json", &json_, "The task as JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {"TASK"});
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    (*client)->OnLost([session](const absl::Status& status) { session->Note(status.message()); });
    absl::StatusOr<std::string> id = (*client)->ResolveTask(arguments[0]);
    if (!id.ok()) return id.status();
    absl::StatusOr<v1::Task> task = (*client)->WaitTask(*id);
    if (!task.ok()) return task.status();
    absl::Status printed =
        json_ ? PrintJson(*task) : Print(Printable(EndingInWords(task->exit_result())) + "\n");
    if (!printed.ok()) return printed;
    return ExitCodeOf(task->exit_result());
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeWaitVerb() { return std::make_unique<WaitVerb>(); }

}  // namespace cloister
