#include "libs/task/parse_artifacts.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/artifact_source.h"
#include "libs/base/field_violations.h"
#include "libs/base/lexical_path.h"
#include "libs/task/mount_destination.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxSourceBytes = 8 << 10;
constexpr size_t kMaxHeaderBytes = 8 << 10;
constexpr size_t kMaxNameBytes = 255;
constexpr absl::string_view kDefaultDestination = "local/";

// Directories that every task has: what is fetched may lie in one beside what is there.
constexpr absl::string_view kOwn[] = {"/alloc", "/alloc/data", "/alloc/tmp",
                                      "/local", "/secrets",    "/tmp"};
// Nothing can be mounted in it, but copied.
constexpr absl::string_view kSecrets = "/secrets";

bool IsOwn(absl::string_view path) {
  return std::find(std::begin(kOwn), std::end(kOwn), path) != std::end(kOwn);
}

// RFC 9110, 5.6.2.
bool IsToken(absl::string_view name) {
  constexpr absl::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [kMarks](unsigned char c) {
    return absl::ascii_isalnum(c) || kMarks.find(static_cast<char>(c)) != kMarks.npos;
  });
}

// A line end would begin another header (CVE-2022-41716 was of that kind).
bool IsHeaderValue(absl::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](unsigned char c) { return c == '\t' || (c >= ' ' && c != 0x7f); });
}

void CheckHeaders(const std::string& field, const v1::Artifact& asked, Violations* violations) {
  if (asked.headers_size() > kMaxArtifactHeaders) {
    violations->Add(absl::StrCat(field, ".headers"), "has ", asked.headers_size(),
                    " entries, at most ", kMaxArtifactHeaders);
    return;
  }
  const std::map<std::string, std::string> sorted(asked.headers().begin(), asked.headers().end());
  for (const auto& [name, value] : sorted) {
    const std::string header = absl::StrCat(field, ".headers[", Shown(name), "]");
    if (!IsToken(name)) {
      violations->Add(header, "is not the name of a header");
    } else if (value.size() > kMaxHeaderBytes) {
      violations->Add(header, "has ", value.size(), " bytes, at most ", kMaxHeaderBytes);
    } else if (!IsHeaderValue(value)) {
      violations->Add(header, "the value must not contain control characters");
    }
  }
}

ArtifactSpec::Mode ParseMode(const std::string& field, const std::string& text,
                             Violations* violations) {
  if (text.empty() || text == "any") return ArtifactSpec::Mode::kAny;
  if (text == "file") return ArtifactSpec::Mode::kFile;
  if (text == "dir") return ArtifactSpec::Mode::kDirectory;
  violations->Add(field, "must be \"any\", \"file\" or \"dir\" but is '", Shown(text), "'");
  return ArtifactSpec::Mode::kAny;
}

ArtifactSpec::Cache ParseCache(const std::string& field, const std::string& text,
                               Violations* violations) {
  if (text.empty() || text == "tenant") return ArtifactSpec::Cache::kTenant;
  if (text == "public") return ArtifactSpec::Cache::kPublic;
  if (text == "off") return ArtifactSpec::Cache::kOff;
  violations->Add(field, "must be \"tenant\", \"public\" or \"off\" but is '", Shown(text), "'");
  return ArtifactSpec::Cache::kTenant;
}

// The source with its options, which artifact::ParseArtifactSource judges.
void ParseSource(const std::string& field, const v1::Artifact& asked, ArtifactSpec* spec,
                 Violations* violations) {
  const std::string source = absl::StrCat(field, ".source");
  if (asked.source().empty()) return violations->Add(source, "must be provided");
  if (asked.source().size() > kMaxSourceBytes) {
    return violations->Add(source, "has ", asked.source().size(), " bytes, at most ",
                           kMaxSourceBytes);
  }
  if (asked.options_size() > kMaxArtifactOptions) {
    return violations->Add(absl::StrCat(field, ".options"), "has ", asked.options_size(),
                           " entries, at most ", kMaxArtifactOptions);
  }
  spec->source = asked.source();
  spec->options = {asked.options().begin(), asked.options().end()};
  const absl::StatusOr<artifact::ArtifactSource> parsed =
      artifact::ParseArtifactSource(spec->source, spec->options);
  if (!parsed.ok()) {
    for (const FieldViolation& violation : GetFieldViolations(parsed.status())) {
      violations->Add(absl::StrCat(field, ".", violation.field), violation.description);
    }
    if (GetFieldViolations(parsed.status()).empty()) {
      violations->Add(source, parsed.status().message());
    }
    return;
  }
  spec->parsed = *parsed;
  if (spec->cache == ArtifactSpec::Cache::kPublic && !parsed->checksum.has_value()) {
    violations->Add(absl::StrCat(field, ".cache"),
                    "\"public\" needs a checksum: without one, whoever fetches first decides what "
                    "all others get");
  }
}

struct Destination {
  std::string directory;
  std::string file_name;
};

Destination ParsePlace(const std::string& field, const v1::Artifact& asked, ArtifactSpec::Mode mode,
                       Violations* violations) {
  const bool is_file = mode == ArtifactSpec::Mode::kFile && !asked.destination().empty();
  std::string path = ParseDestination(
      field, asked.destination().empty() ? std::string(kDefaultDestination) : asked.destination(),
      violations);
  if (path.empty()) return {};
  Destination place = {path, ""};
  if (is_file) {
    const size_t slash = path.rfind('/');
    place = {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
    if (IsOwn(path)) {
      violations->Add(field, "'", path, "' is a directory that every task has: name a file in it");
      return place;
    }
  }
  if (place.directory == "/") {
    violations->Add(field, "'", Shown(path), "' is in the task's root itself: choose a directory, ",
                    "such as local/");
  } else if (!IsOwn(place.directory) && !IsBeneath(place.directory, kSecrets)) {
    CheckPlace(field, place.directory, {}, violations);
  }
  return place;
}

void CheckBesideMounts(const std::string& field, const std::string& directory,
                       const std::string& mounted, Violations* violations) {
  if (directory.empty() || mounted.empty()) return;
  if (IsBeneath(directory, mounted)) {
    violations->Add(field, "'", Shown(directory), "' lies in the mount '", Shown(mounted), "'");
  } else if (!IsOwn(directory) && IsBeneath(mounted, directory)) {
    violations->Add(field, "the mount '", Shown(mounted), "' lies in '", Shown(directory), "'");
  }
}

}  // namespace

std::vector<ArtifactSpec> ParseArtifacts(const v1::TaskConfig& config,
                                         const std::vector<VolumeMount>& volume_mounts,
                                         const std::vector<TaskMount>& mounts,
                                         Violations* violations) {
  std::vector<ArtifactSpec> artifacts;
  if (config.artifacts_size() > kMaxArtifacts) {
    violations->Add("artifacts", "has ", config.artifacts_size(), " entries, at most ",
                    kMaxArtifacts);
    return artifacts;
  }
  for (int i = 0; i < config.artifacts_size(); ++i) {
    const v1::Artifact& asked = config.artifacts(i);
    const std::string field = absl::StrCat("artifacts[", i, "]");
    ArtifactSpec spec;
    spec.mode = ParseMode(absl::StrCat(field, ".mode"), asked.mode(), violations);
    spec.cache = ParseCache(absl::StrCat(field, ".cache"), asked.cache(), violations);
    spec.chown = asked.chown();
    ParseSource(field, asked, &spec, violations);
    CheckHeaders(field, asked, violations);
    spec.headers = {asked.headers().begin(), asked.headers().end()};
    const std::string place = absl::StrCat(field, ".destination");
    Destination destination = ParsePlace(place, asked, spec.mode, violations);
    for (const VolumeMount& mount : volume_mounts) {
      CheckBesideMounts(place, destination.directory, mount.destination, violations);
    }
    for (const TaskMount& mount : mounts) {
      if (mount.type == TaskMount::Type::kOwn) continue;
      CheckBesideMounts(place, destination.directory, mount.destination, violations);
    }
    spec.directory = std::move(destination.directory);
    spec.file_name = std::move(destination.file_name);
    artifacts.push_back(std::move(spec));
  }
  return artifacts;
}

}  // namespace cloister::task
