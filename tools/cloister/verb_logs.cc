#include <limits>

#include "tools/cloister/verb.h"

namespace cloister {
namespace {

class LogsVerb : public Verb {
 public:
  absl::string_view name() const override { return "logs"; }
  absl::string_view arguments() const override { return "[flags] TASK"; }
  absl::string_view summary() const override { return "Print a task's output"; }
  absl::string_view completes() const override { return "task"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("follow", &follow_, "Go on until the task has ended and all its output is read.",
                  'f');
    flags->Switch("stderr", &stderr_, "The task's stderr instead of its stdout.");
    flags->Number("offset", &offset_, 0, std::numeric_limits<int64_t>::max(), "BYTES",
                  "Begin at this byte of the output, counted from the task's start.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {"TASK"});
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    (*client)->OnLost([session](const absl::Status& status) { session->Note(status.message()); });
    absl::StatusOr<std::string> id = (*client)->ResolveTask(arguments[0]);
    if (!id.ok()) return id.status();
    v1::ReadLogsRequest request;
    request.set_task_id(*id);
    request.set_stream(stderr_ ? v1::LOG_STREAM_STDERR : v1::LOG_STREAM_STDOUT);
    request.set_offset(static_cast<uint64_t>(offset_.value_or(0)));
    request.set_follow(follow_);
    absl::Status read = (*client)->ReadLogs(request, Print);
    if (!read.ok()) return read;
    return 0;
  }

 private:
  bool follow_ = false;
  bool stderr_ = false;
  absl::optional<int64_t> offset_;
};

}  // namespace

std::unique_ptr<Verb> MakeLogsVerb() { return std::make_unique<LogsVerb>(); }

}  // namespace cloister
