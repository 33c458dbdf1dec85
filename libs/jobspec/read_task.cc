#include "libs/jobspec/read_task.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libs/jobspec/read_config.h"

namespace cloister::jobspec {
namespace {

void ReadDriver(BlockReader* task) {
  task->Require("driver");
  const absl::optional<std::string> driver = task->Text("driver", "");
  if (!driver || *driver == "exec") return;
  task->Error("Unknown driver",
              absl::StrCat("The driver must be \"exec\", not \"", absl::CHexEscape(*driver), "\"."),
              task->content().Find("driver")->ExpressionRange());
}

// Zero in the message means that nothing was asked for; asked for in a file it is a mistake that
// must not turn into a default.
int64_t NotZero(BlockReader* reader, absl::string_view name, absl::string_view field) {
  const absl::optional<int64_t> value = reader->Integer(name, field);
  if (!value || *value != 0) return value.value_or(0);
  reader->Error(absl::StrCat("Invalid ", name), "Must not be 0: leave it out for the default.",
                reader->content().Find(name)->ExpressionRange());
  return 0;
}

void ReadResources(const hcl::Block& block, const Reading& reading, v1::Resources* resources) {
  BlockReader reader("resources", block.body, reading);
  resources->set_cpu(NotZero(&reader, "cpu", "resources.cpu"));
  resources->set_memory(NotZero(&reader, "memory", "resources.memory"));
  // 0 is the job specification's own word for "as memory", and for a default of the scheduler's.
  resources->set_memory_max(reader.Integer("memory_max", "resources.memory_max").value_or(0));
  resources->set_secrets(reader.Integer("secrets", "resources.secrets").value_or(0));
  resources->set_cores(reader.Integer("cores", "resources.cores").value_or(0));
  resources->set_pids(NotZero(&reader, "pids", "resources.pids"));
}

void ReadVolumeMount(const hcl::Block& block, const Reading& reading, v1::TaskConfig* config) {
  const std::string field = absl::StrCat("volume_mounts[", config->volume_mounts_size(), "]");
  reading.places->Add(field, block.head_range);
  BlockReader reader("volume_mount", block.body, reading);
  v1::VolumeMount* mount = config->add_volume_mounts();
  mount->set_volume(reader.Text("volume", field + ".volume").value_or(""));
  mount->set_destination(
      reader.InterpolatedText("destination", field + ".destination").value_or(""));
  mount->set_read_only(reader.Bool("read_only", field + ".read_only").value_or(false));
  mount->set_propagation_mode(
      reader.Text("propagation_mode", field + ".propagation_mode").value_or(""));
}

void ReadArtifact(const hcl::Block& block, const Reading& reading, v1::TaskConfig* config) {
  reading.places->Add("artifacts", block.head_range);
  const std::string field = absl::StrCat("artifacts[", config->artifacts_size(), "]");
  reading.places->Add(field, block.head_range);
  BlockReader reader("artifact", block.body, reading);
  reader.Require("source");
  v1::Artifact* artifact = config->add_artifacts();
  artifact->set_source(reader.InterpolatedText("source", field + ".source").value_or(""));
  artifact->set_destination(
      reader.InterpolatedText("destination", field + ".destination").value_or(""));
  artifact->set_mode(reader.Text("mode", field + ".mode").value_or(""));
  const auto options = reader.Map("options", field + ".options", /*interpolated=*/true);
  *artifact->mutable_options() = {options.begin(), options.end()};
  const auto headers = reader.Map("headers", field + ".headers", /*interpolated=*/true);
  *artifact->mutable_headers() = {headers.begin(), headers.end()};
  artifact->set_chown(reader.Bool("chown", field + ".chown").value_or(false));
  artifact->set_cache(reader.Text("cache", field + ".cache").value_or(""));
}

void ReadTemplate(const hcl::Block& block, const Reading& reading, v1::TaskConfig* config) {
  reading.places->Add("templates", block.head_range);
  const std::string field = absl::StrCat("templates[", config->templates_size(), "]");
  BlockReader reader("template", block.body, reading);
  v1::Template* made = config->add_templates();
  made->set_source(reader.InterpolatedText("source", field + ".source").value_or(""));
  made->set_data(reader.InterpolatedText("data", field + ".data").value_or(""));
  made->set_destination(
      reader.InterpolatedText("destination", field + ".destination").value_or(""));
  made->set_change_mode(reader.Text("change_mode", field + ".change_mode").value_or(""));
  made->set_change_signal(reader.Text("change_signal", field + ".change_signal").value_or(""));
  made->set_perms(reader.Text("perms", field + ".perms").value_or(""));
  made->set_env(reader.Bool("env", field + ".env").value_or(false));
}

void ReadLifecycle(const hcl::Block& block, const Reading& reading, v1::Lifecycle* lifecycle) {
  reading.places->Add("lifecycle", block.head_range);
  BlockReader reader("lifecycle", block.body, reading);
  lifecycle->set_hook(reader.Text("hook", "lifecycle.hook").value_or(""));
  lifecycle->set_sidecar(reader.Bool("sidecar", "lifecycle.sidecar").value_or(false));
}

void ReadLogs(const hcl::Block& block, const Reading& reading, v1::LogConfig* logs) {
  reading.places->Add("logs", block.head_range);
  BlockReader reader("logs", block.body, reading);
  logs->set_max_files(reader.Integer("max_files", "logs.max_files").value_or(0));
  logs->set_max_file_size(reader.Integer("max_file_size", "logs.max_file_size").value_or(0));
  logs->set_disabled(reader.Bool("disabled", "logs.disabled").value_or(false));
}

void ReadKill(BlockReader* task, v1::TaskConfig* config) {
  if (const absl::optional<absl::Duration> timeout =
          task->Duration("kill_timeout", "kill_timeout")) {
    absl::Duration rest = *timeout;
    config->mutable_kill_timeout()->set_seconds(absl::IDivDuration(rest, absl::Seconds(1), &rest));
    config->mutable_kill_timeout()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  }
  config->set_kill_signal(task->Text("kill_signal", "kill_signal").value_or(""));
}

void ReadBlocks(BlockReader* task, v1::TaskConfig* config) {
  const Reading& reading = task->reading();
  const hcl::BodyContent& content = task->content();
  hcl::Diagnostics& diagnostics = *reading.diagnostics;
  if (const hcl::Block* block = content.AtMostOne("resources", diagnostics)) {
    reading.places->Add("resources", block->head_range);
    ReadResources(*block, reading, config->mutable_resources());
  }
  task->ForEach("volume_mount",
                [&](const hcl::Block& block) { ReadVolumeMount(block, reading, config); });
  task->ForEach("artifact", [&](const hcl::Block& block) { ReadArtifact(block, reading, config); });
  task->ForEach("template", [&](const hcl::Block& block) { ReadTemplate(block, reading, config); });
  if (const hcl::Block* block = content.AtMostOne("lifecycle", diagnostics)) {
    ReadLifecycle(*block, reading, config->mutable_lifecycle());
  }
  if (const hcl::Block* block = content.AtMostOne("logs", diagnostics)) {
    ReadLogs(*block, reading, config->mutable_logs());
  }
}

// Operator and value of a constraint that is written in its short form: `version = ">= 2"`.
void ReadShortForms(BlockReader* reader, const std::string& field, v1::Constraint* constraint) {
  for (const char* name : {"version", "semver", "regexp", "set_contains", "set_contains_any"}) {
    const absl::optional<std::string> value = reader->InterpolatedText(name, field + ".value");
    if (!value) continue;
    if (!constraint->operator_().empty() || !constraint->value().empty()) {
      reader->Error("Two comparisons",
                    absl::StrCat("\"", name, "\" is an operator with its value; there is another."),
                    reader->content().Find(name)->name_range);
    }
    reader->reading().places->Add(field + ".operator", reader->content().Find(name)->name_range);
    constraint->set_operator_(name);
    constraint->set_value(*value);
  }
}

}  // namespace

void ReadConstraints(BlockReader* reader, v1::TaskConfig* config) {
  reader->ForEach("constraint", [&](const hcl::Block& block) {
    const std::string field = absl::StrCat("constraints[", config->constraints_size(), "]");
    BlockReader inner("constraint", block.body, reader->reading());
    const hcl::BodyContent& content = inner.content();
    // Of those two there is nothing to hold against the node.
    if (content.Find("distinct_hosts") != nullptr || content.Find("distinct_property") != nullptr) {
      return;
    }
    reader->reading().places->Add(field, block.head_range);
    v1::Constraint* constraint = config->add_constraints();
    constraint->set_attribute(
        inner.InterpolatedText("attribute", field + ".attribute").value_or(""));
    constraint->set_operator_(inner.Text("operator", field + ".operator").value_or(""));
    constraint->set_value(inner.InterpolatedText("value", field + ".value").value_or(""));
    ReadShortForms(&inner, field, constraint);
    inner.Require("attribute");
  });
}

void ReadMeta(BlockReader* reader, v1::TaskConfig* config) {
  for (auto& [key, value] : reader->Map("meta", "meta", /*interpolated=*/false)) {
    (*config->mutable_meta())[key] = value;
  }
}

void ReadVolumes(BlockReader* reader, v1::TaskConfig* config) {
  reader->ForEach("volume", [&](const hcl::Block& block) {
    const std::string field = absl::StrCat("volumes[", config->volumes_size(), "]");
    reader->reading().places->Add(field, block.head_range);
    reader->reading().places->Add(field + ".name", block.label_ranges.front());
    BlockReader inner("volume", block.body, reader->reading());
    v1::Volume* volume = config->add_volumes();
    volume->set_name(block.labels.front());
    volume->set_type(inner.Text("type", field + ".type").value_or(""));
    volume->set_source(inner.Text("source", field + ".source").value_or(""));
    volume->set_read_only(inner.Bool("read_only", field + ".read_only").value_or(false));
  });
}

void ReadRestart(BlockReader* reader) {
  reader->ForEach("restart", [&](const hcl::Block& block) {
    BlockReader inner("restart", block.body, reader->reading());
    const absl::optional<int64_t> attempts = inner.Integer("attempts", "");
    if (inner.content().Find("attempts") == nullptr || (attempts && *attempts != 0)) {
      inner.Error(
          "Not available yet",
          "Tasks are not restarted: \"restart\" must say attempts = 0, or be left out.",
          attempts ? inner.content().Find("attempts")->ExpressionRange() : block.head_range);
    }
    const absl::optional<std::string> mode = inner.Text("mode", "");
    if (mode && *mode != "fail") {
      inner.Error("Not available yet", "Tasks are not restarted: \"mode\" must be \"fail\".",
                  inner.content().Find("mode")->ExpressionRange());
    }
  });
}

void ReadTask(const hcl::Block& block, const Reading& reading, std::set<std::string>* variables,
              v1::TaskConfig* config) {
  BlockReader task("task", block.body, reading);
  config->set_name(block.labels.front());
  reading.places->Add("name", block.label_ranges.front());
  for (auto& [name, value] : task.Map("env", "env", /*interpolated=*/true)) {
    variables->insert(name);
    (*config->mutable_env())[name] = value;
  }
  ReadDriver(&task);
  if (const hcl::Block* inner = task.content().AtMostOne("config", *reading.diagnostics)) {
    reading.places->Add("config", inner->head_range);
    ReadConfig(*inner, reading, config->mutable_config());
  } else if (reading.is_whole) {
    reading.diagnostics->AddError("Missing config block",
                                  "A task of the exec driver has a config block with a command.",
                                  block.head_range);
  }
  config->set_user(task.Text("user", "user").value_or(""));
  ReadKill(&task, config);
  ReadMeta(&task, config);
  ReadConstraints(&task, config);
  ReadRestart(&task);
  ReadBlocks(&task, config);
}

}  // namespace cloister::jobspec
