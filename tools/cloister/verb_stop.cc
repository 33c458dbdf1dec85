#include "libs/base/random_id.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

class StopVerb : public Verb {
 public:
  absl::string_view name() const override { return "stop"; }
  absl::string_view arguments() const override { return "[flags] TASK..."; }
  absl::string_view summary() const override {
    return "Ask tasks to end, and kill what is left after their grace";
  }
  absl::string_view completes() const override { return "task"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Duration(
        "grace", &grace_,
        "From the signal to the kill. Default: the task's --kill-timeout. 0: kill at once.");
    flags->Text("signal", &signal_, "SIGNAL",
                "The signal to send first. Default: the task's --kill-signal.");
    flags->Switch("no-wait", &no_wait_, "Return at once instead of when the tasks have ended.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    if (arguments.empty()) return absl::InvalidArgumentError("TASK is missing");
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    (*client)->OnLost([session](const absl::Status& status) { session->Note(status.message()); });
    // All are asked before the first is awaited, so that their graces pass together.
    std::vector<std::string> ids;
    for (const std::string& word : arguments) {
      absl::StatusOr<std::string> id = Stop(**client, word);
      if (!id.ok()) return id.status();
      ids.push_back(*std::move(id));
    }
    if (no_wait_) return 0;
    for (const std::string& id : ids) {
      absl::StatusOr<v1::Task> task = (*client)->WaitTask(id);
      // Destroyed meanwhile, by `run --rm` for one: it is gone, which was the wish.
      if (!task.ok() && !absl::IsNotFound(task.status())) return task.status();
    }
    return 0;
  }

 private:
  absl::StatusOr<std::string> Stop(Client& client, const std::string& word) const {
    absl::StatusOr<std::string> id = client.ResolveTask(word);
    if (!id.ok()) return id.status();
    v1::StopTaskRequest request;
    request.set_request_id(RandomId());
    request.set_task_id(*id);
    request.set_signal(signal_);
    if (grace_.has_value()) {
      const int64_t nanoseconds = absl::ToInt64Nanoseconds(*grace_);
      request.mutable_grace()->set_seconds(nanoseconds / 1'000'000'000);
      request.mutable_grace()->set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
    }
    absl::StatusOr<v1::Task> task = client.StopTask(request);
    if (!task.ok()) return task.status();
    return *id;
  }

  absl::optional<absl::Duration> grace_;
  std::string signal_;
  bool no_wait_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeStopVerb() { return std::make_unique<StopVerb>(); }

}  // namespace cloister
