#include "libs/jobspec/job_file.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "libs/hcl/content.h"
#include "libs/hcl/dynamic_blocks.h"
#include "libs/hcl/evaluation.h"
#include "libs/hcl/file.h"
#include "libs/hcl/functions.h"
#include "libs/jobspec/block_reader.h"
#include "libs/jobspec/item_table.h"
#include "libs/jobspec/read_task.h"
#include "libs/task/interpolation.h"

namespace cloister::jobspec {
namespace {

// One file, from the outside in.
class JobReader {
 public:
  explicit JobReader(JobFile* file)
      : config_(file->config),
        reading_{&scope_, &file->diagnostics, &file->places, !file->diagnostics.HasErrors()} {
    scope_.SetFunctions(&hcl::StandardFunctions());
    scope_.SetDeferred([this](absl::string_view root) {
      return root == "attr" || root == "node" || root == "meta" || root == "env" ||
             absl::StartsWith(root, "NOMAD_") || variables_.count(std::string(root)) > 0;
    });
  }
  JobReader(const JobReader&) = delete;
  JobReader& operator=(const JobReader&) = delete;

  void Read(const hcl::Body& body, const std::vector<hcl::GivenVariable>& given);

 private:
  void ReadJob(const hcl::Block& block);
  void ReadGroup(const hcl::Block& block);
  void CheckType(BlockReader* job);
  void CheckCount(BlockReader* group);
  // The first of the blocks; each further one is refused. Null if there is none.
  const hcl::Block* TheOne(const std::vector<const hcl::Block*>& blocks);
  void Missing(const BlockReader& reader, absl::string_view detail) {
    if (!reading_.is_whole) return;
    reading_.diagnostics->AddError("Missing block", detail, reader.content().missing_item_range);
  }

  v1::TaskConfig& config_;
  hcl::EvaluationScope scope_;
  Reading reading_;
  std::set<std::string> variables_;
};

const hcl::Block* JobReader::TheOne(const std::vector<const hcl::Block*>& blocks) {
  for (size_t i = 1; i < blocks.size(); ++i) {
    reading_.diagnostics->AddError(
        absl::StrCat("More than one ", blocks[i]->type),
        absl::StrCat("A file is one task for now: ", BlockInWords(*blocks[0]),
                     " is there already. Put ", BlockInWords(*blocks[i]),
                     " into a file of its own."),
        blocks[i]->head_range);
  }
  return blocks.empty() ? nullptr : blocks.front();
}

void JobReader::CheckType(BlockReader* job) {
  const absl::optional<std::string> type = job->Text("type", "");
  if (!type || *type == "service" || *type == "batch") return;
  const bool is_known = *type == "system" || *type == "sysbatch";
  job->Error(is_known ? "Not available yet" : "Invalid type",
             is_known
                 ? absl::StrCat("Jobs of type \"", *type, "\" are not available yet: they run ",
                                "on every node, and a file is one task.")
                 : "The type of a job is \"service\" or \"batch\".",
             job->content().Find("type")->ExpressionRange());
}

void JobReader::CheckCount(BlockReader* group) {
  const absl::optional<int64_t> count = group->Integer("count", "");
  if (!count || *count == 1) return;
  group->Error(
      "Not available yet",
      absl::StrCat("\"count\" must be 1, but is ", *count, ": a file is one task for now."),
      group->content().Find("count")->ExpressionRange());
}

void JobReader::ReadGroup(const hcl::Block& block) {
  BlockReader group("group", block.body, reading_);
  config_.mutable_job()->set_group(block.labels.front());
  reading_.places->Add("job.group", block.label_ranges.front());
  CheckCount(&group);
  ReadMeta(&group, &config_);
  ReadConstraints(&group, &config_);
  ReadVolumes(&group, &config_);
  ReadRestart(&group);
  const hcl::Block* task = TheOne(group.content().BlocksOfType("task"));
  if (task == nullptr) return Missing(group, "A group has a task block.");
  ReadTask(*task, reading_, &variables_, &config_);
}

void JobReader::ReadJob(const hcl::Block& block) {
  BlockReader job("job", block.body, reading_);
  v1::JobContext* context = config_.mutable_job();
  reading_.places->Add("job.id", block.label_ranges.front());
  context->set_id(job.Text("id", "job.id").value_or(block.labels.front()));
  reading_.places->Add("job.name", block.label_ranges.front());
  context->set_name(job.Text("name", "job.name").value_or(context->id()));
  context->set_namespace_(job.Text("namespace", "job.namespace").value_or(""));
  context->set_region(job.Text("region", "job.region").value_or(""));
  CheckType(&job);
  ReadMeta(&job, &config_);
  ReadConstraints(&job, &config_);
  std::vector<const hcl::Block*> inner = job.content().BlocksOfType("group");
  const std::vector<const hcl::Block*> tasks = job.content().BlocksOfType("task");
  inner.insert(inner.end(), tasks.begin(), tasks.end());
  const hcl::Block* one = TheOne(inner);
  if (one == nullptr) return Missing(job, "A job has a group block with a task block.");
  if (one->type == "group") return ReadGroup(*one);
  context->set_group(one->labels.front());
  ReadTask(*one, reading_, &variables_, &config_);
}

void JobReader::Read(const hcl::Body& body, const std::vector<hcl::GivenVariable>& given) {
  const hcl::Body rest = hcl::ExpandDynamicBlocks(
      hcl::DefineVariables(body, given, scope_, *reading_.diagnostics), scope_);
  BlockReader file("file", rest, reading_);
  const std::vector<const hcl::Block*> volumes = file.content().BlocksOfType("volume");
  std::vector<const hcl::Block*> outermost = file.content().BlocksOfType("job");
  const std::vector<const hcl::Block*> tasks = file.content().BlocksOfType("task");
  outermost.insert(outermost.end(), tasks.begin(), tasks.end());
  const hcl::Block* one = TheOne(outermost);
  if (one == nullptr) {
    // What is not to be read at all was told.
    if (reading_.diagnostics->HasErrors()) return;
    return Missing(file, "A file has a job block, or a task block alone.");
  }
  if (one->type == "job") {
    for (const hcl::Block* volume : volumes) {
      reading_.diagnostics->AddError("Misplaced volume", "In a job, a volume stands in the group.",
                                     volume->head_range);
    }
    return ReadJob(*one);
  }
  ReadVolumes(&file, &config_);
  ReadTask(*one, reading_, &variables_, &config_);
}

// "resources.memory" as people say it; of a list, its element.
std::string Summary(absl::string_view field) {
  if (field.empty()) return "Invalid task";
  return absl::StrCat("Invalid ", field);
}

}  // namespace

JobFile ReadJobFile(const std::string& name, std::string bytes, const JobFileOptions& options) {
  hcl::Diagnostics diagnostics;
  const hcl::File parsed = hcl::File::Parse(name, std::move(bytes), {}, diagnostics);
  JobFile file = {parsed.source(), std::move(diagnostics), {}, {}};
  JobReader(&file).Read(parsed.body(), options.variables);
  file.diagnostics.SortByPosition();
  return file;
}

void CheckJobFile(JobFile* file) {
  if (file->config.config().command().empty() && file->diagnostics.HasErrors()) return;
  AddViolations(
      GetFieldViolations(task::ParseInterpolated(task::InterpolateNowhere(file->config)).status()),
      file);
}

void AddViolations(const std::vector<FieldViolation>& violations, JobFile* file) {
  for (const FieldViolation& violation : violations) {
    const absl::optional<hcl::SourceRange> place = file->places.Find(violation.field);
    const Item* unavailable = FindUnavailable(violation.field);
    if (unavailable != nullptr && violation.description == "not available yet") {
      file->diagnostics.AddError("Not available yet", Refusal(*unavailable), place);
    } else {
      file->diagnostics.AddError(Summary(violation.field), AsSentence(violation.description),
                                 place);
    }
  }
  file->diagnostics.SortByPosition();
}

}  // namespace cloister::jobspec
