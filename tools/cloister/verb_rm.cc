#include "libs/base/random_id.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

class RmVerb : public Verb {
 public:
  absl::string_view name() const override { return "rm"; }
  absl::string_view arguments() const override { return "[flags] TASK..."; }
  absl::string_view summary() const override {
    return "Forget ended tasks and remove their output";
  }
  absl::string_view completes() const override { return "task"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("force", &force_,
                  "Kill a task first if it still runs; a task that is not there is no error.", 'f');
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    if (arguments.empty()) return absl::InvalidArgumentError("TASK is missing");
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    for (const std::string& word : arguments) {
      absl::StatusOr<std::string> id = (*client)->ResolveTask(word);
      if (absl::IsNotFound(id.status()) && force_) continue;
      if (!id.ok()) return id.status();
      v1::DestroyTaskRequest request;
      request.set_request_id(RandomId());
      request.set_task_id(*id);
      request.set_force(force_);
      request.set_allow_missing(force_);
      absl::Status destroyed = (*client)->DestroyTask(request);
      if (!destroyed.ok()) return destroyed;
    }
    return 0;
  }

 private:
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeRmVerb() { return std::make_unique<RmVerb>(); }

}  // namespace cloister
