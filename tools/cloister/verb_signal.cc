#include "libs/base/random_id.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

class SignalVerb : public Verb {
 public:
  absl::string_view name() const override { return "signal"; }
  absl::string_view arguments() const override { return "TASK SIGNAL"; }
  absl::string_view summary() const override { return "Send one signal to a task's first process"; }
  absl::string_view details() const override {
    return "SIGNAL is a name or a number: SIGHUP, HUP or 1.\n";
  }
  absl::string_view completes() const override { return "task"; }

  void DeclareFlags(FlagSet*) override {}

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {"TASK", "SIGNAL"});
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    absl::StatusOr<std::string> id = (*client)->ResolveTask(arguments[0]);
    if (!id.ok()) return id.status();
    v1::SignalTaskRequest request;
    request.set_request_id(RandomId());
    request.set_task_id(*id);
    request.set_signal(arguments[1]);
    absl::Status sent = (*client)->SignalTask(request);
    if (!sent.ok()) return sent;
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> MakeSignalVerb() { return std::make_unique<SignalVerb>(); }

}  // namespace cloister
