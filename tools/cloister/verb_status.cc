#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/cloister/artifact_progress.h"
#include "tools/cloister/exit_code.h"
#include "tools/cloister/table.h"
#include "tools/cloister/verb.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

std::string NamesOf(const google::protobuf::Map<std::string, std::string>& entries) {
  std::map<std::string, std::string> sorted(entries.begin(), entries.end());
  return absl::StrJoin(
      sorted, " ", [](std::string* out, const auto& entry) { absl::StrAppend(out, entry.first); });
}

std::string PairsOf(const google::protobuf::Map<std::string, std::string>& entries) {
  std::map<std::string, std::string> sorted(entries.begin(), entries.end());
  return absl::StrJoin(sorted, " ", absl::PairFormatter("="));
}

void AddEnding(const v1::Task& task, Fields* fields) {
  const v1::ExitResult& result = task.exit_result();
  const bool good = ExitCodeOf(result) == 0;
  fields->Add("ended", EndingInWords(result), good ? Color::kPlain : Color::kYellow);
  if (result.has_start_failure()) fields->Add("failed step", result.start_failure().step());
  if (result.has_cpu_time())
    fields->Add("cpu time", MeasuredInWords(ToDuration(result.cpu_time())));
  if (result.memory_peak_bytes() > 0)
    fields->Add("memory peak", BytesInWords(result.memory_peak_bytes()));
}

std::string DescribeTask(const v1::Task& task, const Terminal& terminal) {
  Fields fields;
  fields.Add("task", task.id(), Color::kBold);
  fields.Add("name", task.config().name());
  fields.Add("external id", task.external_id());
  fields.Add("node", task.node_id());
  const Cell state = StateCell(task);
  fields.Add("state",
             task.node_unreachable()
                 ? absl::StrCat(state.text, " (its node is unreachable: last known state)")
                 : state.text,
             state.color);
  if (task.has_exit_result()) AddEnding(task, &fields);
  fields.Add("command", CommandInWords(task.config().config()));
  fields.Add("work dir", task.config().config().work_dir());
  fields.Add("user", task.config().user().empty() ? "nobody" : task.config().user());
  fields.Add("env", NamesOf(task.config().env()));
  fields.Add("meta", PairsOf(task.config().meta()));
  if (task.pid() != 0) fields.Add("pid of init", absl::StrCat(task.pid()));
  fields.Add("created", TimeInWords(task.create_time()));
  fields.Add("started", TimeInWords(task.start_time()));
  fields.Add("exited", TimeInWords(task.exit_time()));
  for (const v1::ArtifactStatus& artifact : task.artifacts()) {
    fields.Add("artifact", absl::StrCat(artifact.destination(), " ", artifact.digest(), " ",
                                        ArtifactBar(artifact, 0, 4096)));
  }
  if (task.has_start_phases()) fields.Add("start took", StartInWords(task.start_phases()));
  if (task.has_fence()) AddFence(task.fence(), &fields);
  return fields.ToString(terminal);
}

class StatusVerb : public Verb {
 public:
  absl::string_view name() const override { return "status"; }
  absl::string_view arguments() const override { return "[flags] [TASK]"; }
  absl::string_view summary() const override {
    return "Show the cluster, or all about one task and its fence";
  }
  absl::string_view completes() const override { return "task"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("json", &json_, "As JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {"TASK"}, 1);
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    absl::Status shown = arguments.empty() ? ShowCluster(**client, *session)
                                           : ShowTask(**client, arguments[0], *session);
    if (!shown.ok()) return shown;
    return 0;
  }

 private:
  absl::Status ShowTask(Client& client, const std::string& word, const Session& session) {
    absl::StatusOr<std::string> id = client.ResolveTask(word);
    if (!id.ok()) return id.status();
    absl::StatusOr<v1::Task> task = client.GetTask(*id);
    if (!task.ok()) return task.status();
    return json_ ? PrintJson(*task) : Print(DescribeTask(*task, session.out));
  }

  absl::Status ShowCluster(Client& client, const Session& session) {
    absl::StatusOr<std::vector<v1::Node>> nodes = client.ListNodes();
    if (!nodes.ok()) return nodes.status();
    if (json_) {
      v1::ListNodesResponse response;
      for (v1::Node& node : *nodes) *response.add_nodes() = std::move(node);
      return PrintJson(response);
    }
    absl::StatusOr<std::vector<v1::Task>> tasks = client.ListTasks({});
    if (!tasks.ok()) return tasks.status();
    return Print(
        DescribeCluster(session.server.address(session.environment), *nodes, *tasks, session.out));
  }

  static std::string DescribeCluster(const std::string& address, const std::vector<v1::Node>& nodes,
                                     const std::vector<v1::Task>& tasks, const Terminal& terminal) {
    int ready = 0;
    int64_t free_memory = 0;
    std::vector<std::string> unlimited;
    for (const v1::Node& node : nodes) {
      if (node.state() != v1::NODE_STATE_READY) continue;
      ++ready;
      free_memory += node.capacity().memory_mib() - node.granted_memory_mib();
      if (node.cgroups() == "none") unlimited.push_back(node.id());
    }
    std::map<std::string, int> states;
    for (const v1::Task& task : tasks) ++states[StateCell(task).text];
    Fields fields;
    fields.Add("cluster", address, Color::kBold);
    fields.Add("nodes", absl::StrCat(ready, " ready of ", nodes.size()),
               ready == static_cast<int>(nodes.size()) && ready > 0 ? Color::kGreen : Color::kRed);
    fields.Add("free memory",
               BytesInWords(static_cast<uint64_t>(std::max<int64_t>(0, free_memory)) << 20));
    fields.Add("tasks", tasks.empty()
                            ? "none"
                            : absl::StrJoin(states, ", ", [](std::string* out, const auto& state) {
                                absl::StrAppend(out, state.second, " ", state.first);
                              }));
    if (!unlimited.empty()) {
      fields.Add("limits",
                 absl::StrCat("none on ", absl::StrJoin(unlimited, ", "),
                              ": tasks there are fenced, but memory, cpu and pids are not limited"),
                 Color::kYellow);
    }
    return fields.ToString(terminal);
  }

  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeStatusVerb() { return std::make_unique<StatusVerb>(); }

}  // namespace cloister
