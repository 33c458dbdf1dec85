#include "libs/task/interpolation.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/task/parse_task_spec.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxToldViolations = 20;

// The text, if it has no references; what they stand for cannot be said, so else `stand_in`.
absl::StatusOr<std::string> TakeOnTrust(absl::string_view text, absl::string_view stand_in) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<TextPiece> pieces, SplitReferences(text));
  std::string literal;
  for (const TextPiece& piece : pieces) {
    if (piece.is_reference) return std::string(stand_in);
    literal += piece.text;
  }
  return literal;
}

// Replaces the texts of one configuration, and collects what is wrong with them.
class Replacer {
 public:
  // `names` null: taken on trust. `stand_in` is what a text becomes that cannot be replaced.
  void Replace(const std::string& field, const NameTable* names, absl::string_view stand_in,
               std::string* text) {
    // One that is too long anyway is ParseTaskSpec's to refuse.
    if (!HasReferences(*text) || text->size() >= kMaxStringBytes) return;
    // A request of nothing but wrong references costs no more than a few.
    if (full()) {
      text->assign(stand_in.data(), stand_in.size());
      return;
    }
    absl::StatusOr<std::string> replaced =
        names == nullptr ? TakeOnTrust(*text, stand_in)
                         : ReplaceReferences(*text, *names, kMaxStringBytes - 1);
    if (!replaced.ok()) {
      violations_.push_back({field, std::string(replaced.status().message())});
      replaced = std::string(stand_in);
    }
    if (replaced->size() > left_) {
      violations_.push_back({field, absl::StrCat("with it, all texts take more than ",
                                                 kMaxExecBytes, " bytes together")});
      left_ = 0;
      replaced = std::string(stand_in);
    } else {
      left_ -= replaced->size();
    }
    *text = *std::move(replaced);
  }

  std::vector<FieldViolation> TakeViolations() {
    if (full()) violations_.push_back({"", "further references were not looked at"});
    return std::move(violations_);
  }

 private:
  bool full() const { return left_ == 0 || violations_.size() >= kMaxToldViolations; }

  size_t left_ = kMaxExecBytes;
  std::vector<FieldViolation> violations_;
};

void ReplaceEnv(const NameTable* names, Replacer* replacer, v1::TaskConfig* config) {
  // By name: the map has no order of its own, and the same request shall give the same answer.
  std::map<std::string, std::string*> sorted;
  for (auto& [name, value] : *config->mutable_env()) sorted.emplace(name, &value);
  for (auto& [name, value] : sorted) {
    const std::string field = absl::StrCat("env[", absl::CHexEscape(name.substr(0, 48)), "]");
    replacer->Replace(field, names, "", value);
  }
}

// One option of an artifact that cannot be replaced is one that was not given, but for the
// checksum: without it, another rule would be broken.
void ReplaceOptions(const std::string& field, const NameTable* names, Replacer* replacer,
                    google::protobuf::Map<std::string, std::string>* options) {
  constexpr absl::string_view kNone("\0", 1);
  static const std::string* const kSomeChecksum = new std::string(64, '0');
  std::map<std::string, std::string*> sorted;
  for (auto& [name, value] : *options) sorted.emplace(name, &value);
  for (auto& [name, value] : sorted) {
    const absl::string_view stand_in = name == "checksum" ? *kSomeChecksum : kNone;
    replacer->Replace(absl::StrCat(field, "[", absl::CHexEscape(name.substr(0, 48)), "]"), names,
                      stand_in, value);
    if (*value == kNone) options->erase(name);
  }
}

void ReplaceHeaders(const std::string& field, const NameTable* names, Replacer* replacer,
                    google::protobuf::Map<std::string, std::string>* headers) {
  std::map<std::string, std::string*> sorted;
  for (auto& [name, value] : *headers) sorted.emplace(name, &value);
  for (auto& [name, value] : sorted) {
    replacer->Replace(absl::StrCat(field, "[", absl::CHexEscape(name.substr(0, 48)), "]"), names,
                      "", value);
  }
}

void ReplaceArtifacts(const NameTable* names, Replacer* replacer, v1::TaskConfig* config) {
  for (int i = 0; i < config->artifacts_size(); ++i) {
    v1::Artifact* artifact = config->mutable_artifacts(i);
    const std::string field = absl::StrCat("artifacts[", i, "]");
    replacer->Replace(absl::StrCat(field, ".source"), names, "https://stand-in.invalid/stand-in",
                      artifact->mutable_source());
    // With mode "file" it is the file, not the directory.
    replacer->Replace(absl::StrCat(field, ".destination"), names,
                      artifact->mode() == "file" ? "local/stand-in" : "local/",
                      artifact->mutable_destination());
    ReplaceOptions(absl::StrCat(field, ".options"), names, replacer, artifact->mutable_options());
    ReplaceHeaders(absl::StrCat(field, ".headers"), names, replacer, artifact->mutable_headers());
  }
}

void ReplaceTheRest(const NameTable* names, Replacer* replacer, v1::TaskConfig* config) {
  v1::ExecConfig* exec = config->mutable_config();
  replacer->Replace("config.command", names, "stand-in", exec->mutable_command());
  for (int i = 0; i < exec->args_size(); ++i) {
    replacer->Replace(absl::StrCat("config.args[", i, "]"), names, "", exec->mutable_args(i));
  }
  replacer->Replace("config.work_dir", names, "/", exec->mutable_work_dir());
  for (int i = 0; i < config->volume_mounts_size(); ++i) {
    replacer->Replace(absl::StrCat("volume_mounts[", i, "].destination"), names,
                      absl::StrCat("/local/stand-in-", i),
                      config->mutable_volume_mounts(i)->mutable_destination());
  }
  replacer->Replace("config.hostname", names, "stand-in", exec->mutable_hostname());
  for (int i = 0; i < exec->mounts_size(); ++i) {
    replacer->Replace(absl::StrCat("config.mounts[", i, "].destination"), names,
                      absl::StrCat("/local/stand-in-mount-", i),
                      exec->mutable_mounts(i)->mutable_destination());
  }
  ReplaceArtifacts(names, replacer, config);
}

}  // namespace

Interpolated Interpolate(const v1::TaskConfig& config, const Names& node, const Names& built_in) {
  Interpolated result;
  result.config = config;
  Replacer replacer;
  const NameTable names_for_env(&node, &built_in);
  ReplaceEnv(&names_for_env, &replacer, &result.config);
  Names environment(result.config.env().begin(), result.config.env().end());
  environment.insert(built_in.begin(), built_in.end());
  const NameTable names(&node, &environment);
  ReplaceTheRest(&names, &replacer, &result.config);
  result.config.mutable_env()->insert(environment.begin(), environment.end());
  result.violations = replacer.TakeViolations();
  return result;
}

Interpolated InterpolateNowhere(const v1::TaskConfig& config) {
  Interpolated result;
  result.config = config;
  Replacer replacer;
  ReplaceEnv(nullptr, &replacer, &result.config);
  ReplaceTheRest(nullptr, &replacer, &result.config);
  result.violations = replacer.TakeViolations();
  return result;
}

std::set<std::string> ReferencedNames(const v1::TaskConfig& config) {
  std::vector<absl::string_view> texts = {config.config().command(), config.config().work_dir()};
  texts.insert(texts.end(), config.config().args().begin(), config.config().args().end());
  for (const auto& variable : config.env()) texts.push_back(variable.second);
  for (const v1::VolumeMount& mount : config.volume_mounts()) texts.push_back(mount.destination());
  for (const v1::TaskMount& mount : config.config().mounts()) texts.push_back(mount.destination());
  texts.push_back(config.config().hostname());
  for (const v1::Artifact& artifact : config.artifacts()) {
    texts.push_back(artifact.source());
    texts.push_back(artifact.destination());
    for (const auto& option : artifact.options()) texts.push_back(option.second);
    for (const auto& header : artifact.headers()) texts.push_back(header.second);
  }
  for (const v1::Constraint& constraint : config.constraints()) {
    texts.push_back(constraint.attribute());
    texts.push_back(constraint.value());
  }
  std::set<std::string> names;
  for (absl::string_view text : texts) {
    if (!HasReferences(text)) continue;
    const absl::StatusOr<std::vector<TextPiece>> pieces = SplitReferences(text);
    if (!pieces.ok()) continue;
    for (const TextPiece& piece : *pieces) {
      if (piece.is_reference) names.insert(piece.text);
    }
  }
  return names;
}

absl::StatusOr<TaskSpec> ParseInterpolated(const Interpolated& interpolated) {
  absl::StatusOr<TaskSpec> spec = ParseTaskSpec(interpolated.config);
  if (interpolated.violations.empty()) return spec;
  std::vector<FieldViolation> all = GetFieldViolations(spec.status());
  all.insert(all.end(), interpolated.violations.begin(), interpolated.violations.end());
  return InvalidArgument(all);
}

}  // namespace cloister::task
