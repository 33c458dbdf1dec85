#include "absl/time/clock.h"
#include "tools/cloister/exit_code.h"
#include "tools/cloister/table.h"
#include "tools/cloister/verb.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

std::string ExitColumn(const v1::Task& task) {
  if (!task.has_exit_result()) return "-";
  if (task.state() == v1::TASK_STATE_LOST) return "?";
  return std::to_string(ExitCodeOf(task.exit_result()));
}

class PsVerb : public Verb {
 public:
  absl::string_view name() const override { return "ps"; }
  absl::string_view arguments() const override { return "[flags]"; }
  absl::string_view summary() const override { return "List tasks"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("all", &all_, "Also tasks that have ended.", 'a');
    flags->Text("node", &node_, "NODE", "Only tasks of this node.");
    flags->Switch("quiet", &quiet_, "Ids only.", 'q');
    flags->Switch("json", &json_, "As JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {});
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    absl::StatusOr<std::vector<v1::Task>> tasks = (*client)->ListTasks(Filter());
    if (!tasks.ok()) return tasks.status();
    absl::Status printed =
        json_ ? PrintAsJson(*tasks) : Print(quiet_ ? Ids(*tasks) : Rows(*tasks, session->out));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  v1::ListTasksRequest Filter() const {
    v1::ListTasksRequest filter;
    filter.set_node_id(node_);
    if (all_) return filter;
    for (v1::TaskState state : {v1::TASK_STATE_PENDING, v1::TASK_STATE_STARTING,
                                v1::TASK_STATE_RUNNING, v1::TASK_STATE_STOPPING}) {
      filter.add_states(state);
    }
    return filter;
  }

  static absl::Status PrintAsJson(const std::vector<v1::Task>& tasks) {
    v1::ListTasksResponse response;
    for (const v1::Task& task : tasks) *response.add_tasks() = task;
    return PrintJson(response);
  }

  static std::string Ids(const std::vector<v1::Task>& tasks) {
    std::string out;
    for (const v1::Task& task : tasks) out += task.id() + "\n";
    return out;
  }

  static std::string Rows(const std::vector<v1::Task>& tasks, const Terminal& terminal) {
    Table table({"TASK", "NAME", "NODE", "STATE", "EXIT", "AGE", "COMMAND"});
    const absl::Time now = absl::Now();
    for (const v1::Task& task : tasks) {
      table.AddRow({task.id(), task.config().name(), task.node_id(), StateCell(task),
                    ExitColumn(task), AgeInWords(now - ToTime(task.create_time())),
                    CommandInWords(task.config().config())});
    }
    return table.ToString(terminal);
  }

  bool all_ = false;
  bool quiet_ = false;
  bool json_ = false;
  std::string node_;
};

}  // namespace

std::unique_ptr<Verb> MakePsVerb() { return std::make_unique<PsVerb>(); }

}  // namespace cloister
