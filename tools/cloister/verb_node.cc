#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "tools/cloister/error_text.h"
#include "tools/cloister/table.h"
#include "tools/cloister/verb.h"
#include "tools/cloister/words.h"

namespace cloister {
namespace {

constexpr int kMebibyteShift = 20;

std::string MemoryColumn(const v1::Node& node) {
  return absl::StrCat(
      BytesInWords(static_cast<uint64_t>(node.granted_memory_mib()) << kMebibyteShift), " of ",
      BytesInWords(static_cast<uint64_t>(node.capacity().memory_mib()) << kMebibyteShift));
}

std::string TasksColumn(const v1::Node& node) {
  return absl::StrCat(node.live_tasks(), " of ", node.capacity().tasks());
}

class NodeLsVerb : public Verb {
 public:
  absl::string_view name() const override { return "node ls"; }
  absl::string_view arguments() const override { return "[flags]"; }
  absl::string_view summary() const override { return "List nodes and what they have left"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("quiet", &quiet_, "Ids only.", 'q');
    flags->Switch("json", &json_, "As JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {});
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    absl::StatusOr<std::vector<v1::Node>> nodes = (*client)->ListNodes();
    if (!nodes.ok()) return nodes.status();
    absl::Status printed =
        json_ ? PrintAsJson(*nodes) : Print(quiet_ ? Ids(*nodes) : Rows(*nodes, session->out));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  static absl::Status PrintAsJson(const std::vector<v1::Node>& nodes) {
    v1::ListNodesResponse response;
    for (const v1::Node& node : nodes) *response.add_nodes() = node;
    return PrintJson(response);
  }

  static std::string Ids(const std::vector<v1::Node>& nodes) {
    std::string out;
    for (const v1::Node& node : nodes) out += node.id() + "\n";
    return out;
  }

  static std::string Rows(const std::vector<v1::Node>& nodes, const Terminal& terminal) {
    Table table(
        {"NODE", "STATE", "TASKS", "MEMORY GRANTED", "CPUS", "LIMITS", "VERSION", "KERNEL"});
    for (const v1::Node& node : nodes) {
      const bool unlimited = node.cgroups() == "none";
      table.AddRow({node.id(), NodeStateCell(node), TasksColumn(node), MemoryColumn(node),
                    absl::StrCat(node.capacity().cpus()),
                    Cell(unlimited ? "none" : absl::StrCat("cgroup ", node.cgroups()),
                         unlimited ? Color::kYellow : Color::kPlain),
                    node.version(), node.kernel()});
    }
    return table.ToString(terminal);
  }

  bool quiet_ = false;
  bool json_ = false;
};

class NodeStatusVerb : public Verb {
 public:
  absl::string_view name() const override { return "node status"; }
  absl::string_view arguments() const override { return "[flags] [NODE]"; }
  absl::string_view summary() const override {
    return "Show all about one node, and what tasks can ask about it";
  }
  absl::string_view completes() const override { return "node"; }

  void DeclareFlags(FlagSet* flags) override {
    flags->Switch("json", &json_, "As JSON, for programs.");
  }

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) override {
    absl::Status expected = ExpectArguments(arguments, {"NODE"}, 1);
    if (!expected.ok()) return expected;
    absl::StatusOr<std::unique_ptr<Client>> client = session->Connect();
    if (!client.ok()) return client.status();
    absl::StatusOr<std::string> id =
        arguments.empty() ? OnlyNode(**client) : absl::StatusOr<std::string>(arguments[0]);
    if (!id.ok()) return id.status();
    absl::StatusOr<v1::Node> node = (*client)->GetNode(*id);
    if (!node.ok()) return node.status();
    absl::Status printed = json_ ? PrintJson(*node) : Print(Describe(*node, session->out));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  static absl::StatusOr<std::string> OnlyNode(Client& client) {
    absl::StatusOr<std::vector<v1::Node>> nodes = client.ListNodes();
    if (!nodes.ok()) return nodes.status();
    if (nodes->size() == 1) return nodes->front().id();
    return WithHint(absl::InvalidArgumentError(
                        absl::StrCat("which of the ", nodes->size(), " nodes? NODE is missing")),
                    "cloister node ls");
  }

  // What tasks write in ${...}, in order of names.
  static std::string DescribeAttributes(const v1::Node& node, const Terminal& terminal) {
    const std::map<std::string, std::string> sorted(node.attributes().begin(),
                                                    node.attributes().end());
    Fields fields;
    // An empty one is there as well: a task that asks for it gets nothing, and no error.
    for (const auto& [name, value] : sorted) fields.Add(name, value.empty() ? "''" : value);
    return fields.ToString(terminal);
  }

  static std::string Describe(const v1::Node& node, const Terminal& terminal) {
    Fields fields;
    fields.Add("node", node.id(), Color::kBold);
    const Cell state = NodeStateCell(node);
    fields.Add("state", state.text, state.color);
    if (node.has_unreachable_since()) {
      fields.Add("unreachable",
                 absl::StrCat("for ", AgeInWords(absl::Now() - ToTime(node.unreachable_since())),
                              ": its tasks may run on; their last known state is shown"));
    }
    fields.Add("address", node.address());
    fields.Add("tasks", TasksColumn(node));
    fields.Add("memory", absl::StrCat(MemoryColumn(node), " granted"));
    fields.Add("cpus", absl::StrCat(node.capacity().cpus()));
    const bool unlimited = node.cgroups() == "none";
    fields.Add("limits",
               unlimited ? "none: tasks are fenced, but memory, cpu and pids are not limited"
                         : absl::StrCat("cgroup ", node.cgroups()),
               unlimited ? Color::kYellow : Color::kPlain);
    fields.Add("without root", Printable(absl::StrJoin(node.unavailable(), "; ")), Color::kYellow);
    fields.Add("version", node.version());
    fields.Add("kernel", node.kernel());
    fields.Add("registered", TimeInWords(node.register_time()));
    const std::string attributes = DescribeAttributes(node, terminal);
    return absl::StrCat(fields.ToString(terminal), attributes.empty() ? "" : "\n", attributes);
  }

  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeNodeLsVerb() { return std::make_unique<NodeLsVerb>(); }
std::unique_ptr<Verb> MakeNodeStatusVerb() { return std::make_unique<NodeStatusVerb>(); }

}  // namespace cloister
