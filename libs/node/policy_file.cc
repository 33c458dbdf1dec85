#include "libs/node/policy_file.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "libs/base/errno_status.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"
#include "libs/capability/names.h"
#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/evaluation.h"
#include "libs/hcl/file.h"
#include "libs/hcl/functions.h"
#include "libs/node/artifact_policy_block.h"
#include "libs/node/host_root.h"
#include "libs/node/policy_body.h"
#include "libs/task/parse_devices.h"
#include "libs/task/parse_rlimits.h"
#include "libs/task/user_field.h"

namespace cloister::node {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxLabelBytes = 128;
constexpr size_t kMaxMetaEntries = 256;
constexpr size_t kMaxMetaBytes = 16 << 10;

bool IsName(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelBytes &&
         absl::ascii_isalnum(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
         });
}

// One file, read block by block.
class PolicyReader {
 public:
  PolicyReader(NodePolicy policy, hcl::Diagnostics* diagnostics)
      : policy_(std::move(policy)), diagnostics_(*diagnostics) {
    scope_.SetFunctions(&hcl::StandardFunctions());
  }

  void Read(const hcl::Body& body);
  PolicyFile Take() { return {std::move(policy_), std::move(keys_)}; }

 private:
  BodyReader Reader(const hcl::Body& body, const hcl::BodySchema& schema) {
    return BodyReader(body.Content(schema, diagnostics_), scope_, &diagnostics_);
  }
  void ReadAllowCaps(BodyReader* top);
  void ReadChrootEnv(BodyReader* top);
  void ReadUsers(BodyReader* top);
  void ReadMountSources(BodyReader* top);
  void ReadDevices(BodyReader* top);
  void ReadUserNamespaces(BodyReader* top);
  void ReadRlimits(BodyReader* ceilings);
  void ReadHostVolume(const hcl::Block& block);
  void ReadCeilings(const hcl::Block& block);
  void ReadNode(const hcl::Block& block);
  void ReadMeta(const hcl::Block& block);

  NodePolicy policy_;
  std::set<std::string> keys_;
  hcl::EvaluationScope scope_;
  hcl::Diagnostics& diagnostics_;
};

const hcl::BodySchema& TopSchema() {
  static const auto* const kSchema = new hcl::BodySchema{
      {{"allow_caps"},
       {"allow_host_ipc_mode"},
       {"allow_host_pid_mode"},
       {"allow_host_userns"},
       {"allowed_devices"},
       {"allow_new_privs"},
       {"allow_uid_0"},
       {"allow_unconfined_seccomp"},
       {"allow_unmasked_paths"},
       {"allow_without_landlock"},
       {"allowed_mount_sources"},
       {"allowed_users"},
       {"ambient_default_caps"},
       {"chroot_env"},
       {"default_ipc_mode"},
       {"default_pid_mode"},
       {"denied_host_gids"},
       {"denied_host_uids"},
       {"min_oom_score_adj"},
       {"no_pivot_root"},
       {"userns_default"},
       {"userns_ids"},
       {"userns_ids_per_task"}},
      {{"artifact", {}}, {"ceilings", {}}, {"host_volume", {"name"}}, {"node", {}}}};
  return *kSchema;
}

void PolicyReader::Read(const hcl::Body& body) {
  BodyReader top = Reader(body, TopSchema());
  for (const auto& entry : top.content().attributes) keys_.insert(entry.first);
  for (const hcl::Block& block : top.content().blocks) keys_.insert(block.type);
  top.ReadMode("default_pid_mode", &policy_.default_pid_mode);
  top.ReadMode("default_ipc_mode", &policy_.default_ipc_mode);
  top.Read("allow_host_pid_mode", &policy_.allow_host_pid_mode);
  top.Read("allow_host_ipc_mode", &policy_.allow_host_ipc_mode);
  top.Read("allow_unconfined_seccomp", &policy_.allow_unconfined_seccomp);
  top.Read("allow_without_landlock", &policy_.allow_without_landlock);
  top.Read("allow_new_privs", &policy_.allow_new_privs);
  top.Read("allow_unmasked_paths", &policy_.allow_unmasked_paths);
  top.Read("allow_uid_0", &policy_.allow_uid_0);
  if (policy_.allow_uid_0) policy_.denied_uids.clear();
  top.Read("no_pivot_root", &policy_.no_pivot_root);
  top.Read("ambient_default_caps", &policy_.ambient_default_caps);
  top.ReadIds("denied_host_uids", "deniedHostUIDs", &policy_.denied_host_uids);
  top.ReadIds("denied_host_gids", "deniedHostGIDs", &policy_.denied_host_gids);
  ReadAllowCaps(&top);
  ReadChrootEnv(&top);
  ReadUsers(&top);
  ReadMountSources(&top);
  ReadDevices(&top);
  ReadUserNamespaces(&top);
  if (const auto least = top.Integer("min_oom_score_adj", -1000, 1000)) {
    policy_.min_oom_score_adj = static_cast<int32_t>(*least);
  }
  for (const hcl::Block* block : top.content().BlocksOfType("host_volume")) ReadHostVolume(*block);
  if (const hcl::Block* block = top.content().AtMostOne("ceilings", diagnostics_)) {
    ReadCeilings(*block);
  }
  if (const hcl::Block* block = top.content().AtMostOne("node", diagnostics_)) ReadNode(*block);
  if (const hcl::Block* block = top.content().AtMostOne("artifact", diagnostics_)) {
    ReadArtifactBlock(*block, scope_, &diagnostics_, &policy_.artifacts);
  }
}

void PolicyReader::ReadAllowCaps(BodyReader* top) {
  const auto list = top->Texts("allow_caps");
  if (!list.has_value()) return;
  absl::StatusOr<capability::CapabilityList> caps = capability::ParseCapabilityList(list->second);
  if (!caps.ok()) return top->Wrong(*list->first, absl::StrCat(caps.status().message(), "."));
  policy_.allow_caps = *caps;
}

void PolicyReader::ReadChrootEnv(BodyReader* top) {
  const auto map = top->TextMap("chroot_env");
  if (!map.has_value()) return;
  policy_.chroot_entries.clear();
  for (const auto& [outside, inside] : map->second) {
    for (const std::string& path : {outside, inside}) {
      if (IsAbsoluteClean(path)) continue;
      top->Wrong(*map->first,
                 absl::StrCat("\"", absl::CHexEscape(path), "\" is not an absolute clean path."));
    }
    policy_.chroot_entries.push_back({outside, inside});
  }
}

void PolicyReader::ReadUsers(BodyReader* top) {
  const auto list = top->Texts("allowed_users");
  if (!list.has_value()) return;
  // No user at all would be everybody.
  if (list->second.empty()) top->Wrong(*list->first, "Must name a user: leave it out for all.");
  for (const std::string& user : list->second) {
    const absl::Status parsed = user.empty() ? absl::InvalidArgumentError("a user is empty")
                                             : task::ParseUserField(user).status();
    if (!parsed.ok()) top->Wrong(*list->first, absl::StrCat(parsed.message(), "."));
  }
  policy_.allowed_users = list->second;
}

void PolicyReader::ReadMountSources(BodyReader* top) {
  const auto list = top->Texts("allowed_mount_sources");
  if (!list.has_value()) return;
  if (list->second.empty()) top->Wrong(*list->first, "Must name a directory.");
  for (const std::string& path : list->second) {
    if (IsAbsoluteClean(path)) continue;
    top->Wrong(*list->first,
               absl::StrCat("\"", absl::CHexEscape(path), "\" is not an absolute clean path."));
  }
  policy_.allowed_mount_sources = list->second;
}

void PolicyReader::ReadDevices(BodyReader* top) {
  const auto map = top->TextMap("allowed_devices");
  if (!map.has_value()) return;
  for (const auto& [path, permissions] : map->second) {
    if (!IsAbsoluteClean(path)) {
      top->Wrong(*map->first,
                 absl::StrCat("\"", absl::CHexEscape(path), "\" is not an absolute clean path."));
    }
    const absl::optional<uint32_t> access = task::ParseDeviceAccess(permissions);
    if (access.value_or(0) == 0) {
      top->Wrong(*map->first, absl::StrCat("\"", absl::CHexEscape(permissions),
                                           "\" is not of r, w and m: \"rw\"."));
    }
    policy_.allowed_devices[path] = access.value_or(0);
  }
}

void PolicyReader::ReadUserNamespaces(BodyReader* top) {
  top->ReadMode("userns_default", &policy_.default_userns);
  top->Read("allow_host_userns", &policy_.allow_host_userns);
  if (const auto ids = top->Integer("userns_ids_per_task", 1, 65536)) {
    policy_.userns_ids_per_task = static_cast<uint32_t>(*ids);
  }
  const auto text = top->Text("userns_ids");
  if (!text.has_value()) return;
  const std::vector<std::string> parts = absl::StrSplit(text->second, '-');
  const bool parsed = parts.size() == 2 && absl::SimpleAtoi(parts[0], &policy_.userns_first) &&
                      absl::SimpleAtoi(parts[1], &policy_.userns_count);
  // The last id of all is no id, and 0 is the executor's own.
  if (!parsed || policy_.userns_first == 0 ||
      policy_.userns_count > UINT32_MAX - policy_.userns_first) {
    top->Wrong(*text->first,
               "Must be the first id and how many there are: \"1879048192-67108864\".");
  } else if (policy_.userns_count < policy_.userns_ids_per_task) {
    top->Wrong(*text->first, absl::StrCat("Has not even the ", policy_.userns_ids_per_task,
                                          " ids of one task (userns_ids_per_task)."));
  }
}

void PolicyReader::ReadRlimits(BodyReader* ceilings) {
  const auto map = ceilings->TextMap("rlimits");
  if (!map.has_value()) return;
  for (const auto& [name, text] : map->second) {
    const absl::optional<uint32_t> resource = task::RlimitNumber(name);
    const absl::optional<uint64_t> value = task::ParseRlimitValue(text);
    if (!resource.has_value() || *resource == RLIMIT_NOFILE) {
      ceilings->Wrong(*map->first, absl::StrCat("\"", absl::CHexEscape(name),
                                                "\" is no limit of getrlimit(2) but nofile, which "
                                                "is open_files."));
    } else if (!value.has_value()) {
      ceilings->Wrong(*map->first, absl::StrCat("\"", absl::CHexEscape(text),
                                                "\" is neither a number nor \"unlimited\"."));
    } else {
      policy_.max_rlimits[*resource] = *value;
    }
  }
}

void PolicyReader::ReadHostVolume(const hcl::Block& block) {
  static const auto* const kSchema =
      new hcl::BodySchema{{{"path", /*required=*/true}, {"propagation"}, {"read_only"}}, {}};
  BodyReader reader = Reader(block.body, *kSchema);
  HostVolume volume;
  volume.name = block.labels.front();
  const auto same = [&volume](const HostVolume& other) { return other.name == volume.name; };
  if (!IsName(volume.name)) {
    diagnostics_.AddError("Invalid name of a volume",
                          "Must be 1 to 128 characters of A-Z a-z 0-9 . _ -, the first a letter or "
                          "digit.",
                          block.label_ranges.front());
  } else if (std::any_of(policy_.host_volumes.begin(), policy_.host_volumes.end(), same)) {
    diagnostics_.AddError("Duplicate volume",
                          absl::StrCat("Another host_volume is named \"", volume.name, "\", too."),
                          block.label_ranges.front());
  }
  reader.Read("read_only", &volume.read_only);
  if (const auto path = reader.Text("path")) {
    volume.path = path->second;
    const std::vector<std::string>& within = policy_.allowed_mount_sources;
    const auto holds = [&volume](const std::string& dir) { return IsBeneath(volume.path, dir); };
    if (!IsAbsoluteClean(volume.path)) {
      reader.Wrong(*path->first, "Must be an absolute clean path.");
    } else if (!within.empty() && std::none_of(within.begin(), within.end(), holds)) {
      reader.Wrong(*path->first, "Lies in none of allowed_mount_sources.");
    }
  }
  if (const auto text = reader.Text("propagation")) {
    const std::map<std::string, VolumePropagation> words = {
        {"private", VolumePropagation::kPrivate},
        {"host-to-task", VolumePropagation::kHostToTask},
        {"bidirectional", VolumePropagation::kBidirectional}};
    const auto word = words.find(text->second);
    if (word == words.end()) {
      reader.Wrong(*text->first, "Must be \"private\", \"host-to-task\" or \"bidirectional\".");
    } else {
      volume.propagation = word->second;
    }
  }
  policy_.host_volumes.push_back(std::move(volume));
}

void PolicyReader::ReadCeilings(const hcl::Block& block) {
  static const auto* const kSchema = new hcl::BodySchema{{{"cpu"},
                                                          {"kill_timeout"},
                                                          {"memory"},
                                                          {"memory_max"},
                                                          {"open_files"},
                                                          {"pids"},
                                                          {"rlimits"},
                                                          {"secrets"}},
                                                         {}};
  BodyReader reader = Reader(block.body, *kSchema);
  reader.ReadMib("memory", &policy_.max_memory_bytes);
  reader.ReadMib("memory_max", &policy_.max_memory_max_bytes);
  reader.ReadMib("secrets", &policy_.max_secrets_bytes);
  policy_.max_pids = reader.Integer("pids", 2, 4194304).value_or(policy_.max_pids);
  policy_.max_cpu_shares = reader.Integer("cpu", 1, 262144).value_or(policy_.max_cpu_shares);
  if (const auto files = reader.Integer("open_files", 16, 1 << 30)) {
    policy_.max_open_files = static_cast<uint64_t>(*files);
  }
  reader.ReadDuration("kill_timeout", &policy_.max_kill_timeout);
  ReadRlimits(&reader);
}

void PolicyReader::ReadNode(const hcl::Block& block) {
  static const auto* const kSchema =
      new hcl::BodySchema{{{"class"}, {"datacenter"}, {"pool"}, {"region"}}, {{"meta", {}}}};
  BodyReader reader = Reader(block.body, *kSchema);
  for (const auto& [name, value] : {std::make_pair("class", &policy_.labels.node_class),
                                    std::make_pair("datacenter", &policy_.labels.datacenter),
                                    std::make_pair("pool", &policy_.labels.pool),
                                    std::make_pair("region", &policy_.labels.region)}) {
    const auto text = reader.Text(name);
    if (!text.has_value()) continue;
    *value = text->second;
    if (!IsName(*value)) {
      reader.Wrong(
          *text->first,
          "Must be 1 to 128 characters of A-Z a-z 0-9 . _ -, the first a letter or digit.");
    }
  }
  if (const hcl::Block* meta = reader.content().AtMostOne("meta", diagnostics_)) ReadMeta(*meta);
}

void PolicyReader::ReadMeta(const hcl::Block& block) {
  size_t bytes = 0;
  const hcl::AttributeMap attributes = block.body.JustAttributes(diagnostics_);
  for (const auto& [key, attribute] : attributes) {
    const auto value = hcl::EvaluateText(attribute, scope_, diagnostics_);
    if (!value.has_value()) continue;
    bytes += key.size() + value->size();
    if (value->find('\0') != std::string::npos) {
      diagnostics_.AddError("Invalid meta", "A value must not contain NUL.",
                            attribute.ExpressionRange());
    }
    policy_.labels.meta[key] = *value;
  }
  if (attributes.size() > kMaxMetaEntries || bytes > kMaxMetaBytes) {
    diagnostics_.AddError("Too much meta",
                          absl::StrCat("A node has at most ", kMaxMetaEntries, " entries of ",
                                       kMaxMetaBytes, " bytes together."),
                          block.head_range);
  }
}

}  // namespace

absl::StatusOr<PolicyFile> ParsePolicyFile(const std::string& name, const std::string& text,
                                           const NodePolicy& base) {
  hcl::Diagnostics diagnostics;
  const hcl::File file = hcl::File::Parse(name, text, {}, diagnostics);
  PolicyReader reader(base, &diagnostics);
  reader.Read(file.body());
  if (!diagnostics.HasErrors()) return reader.Take();
  diagnostics.SortByPosition();
  return absl::InvalidArgumentError(hcl::RenderDiagnostics(diagnostics, file.source()));
}

absl::StatusOr<PolicyFile> ReadPolicyFile(const std::string& path) {
  CLOISTER_ASSIGN_OR_RETURN(const HostRoot root, HostRoot::Open("/"));
  std::string from_root = path;
  if (!absl::StartsWith(path, "/")) {
    char directory[PATH_MAX];
    if (getcwd(directory, sizeof(directory)) == nullptr) return ErrnoStatus(errno, "getcwd");
    from_root = absl::StrCat(directory, "/", path);
  }
  absl::StatusOr<std::string> text = root.ReadText(from_root);
  if (!text.ok()) return text.status();
  if (text->size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is larger than 1 MiB"));
  }
  return ParsePolicyFile(path, *text, DefaultNodePolicy());
}

absl::Status CheckPolicyOnNode(const NodePolicy& policy, const NodeFacts& facts) {
  std::vector<std::string> lacking;
  for (size_t i = 0; i < policy.host_volumes.size() && i < facts.volume_sources.size(); ++i) {
    const HostPath& source = facts.volume_sources[i];
    if (source.kind == HostPath::Kind::kDirectory) continue;
    lacking.push_back(absl::StrCat("host_volume '", policy.host_volumes[i].name, "': '",
                                   absl::CHexEscape(source.path), "' is ",
                                   source.exists() ? "no directory" : "not there"));
  }
  for (const HostDevice& device : facts.devices) {
    if (device.exists) continue;
    lacking.push_back(
        absl::StrCat("allowed_devices: '", absl::CHexEscape(device.path), "' is no device"));
  }
  const capability::CapabilitySet unsupported = policy.allow_caps.named - facts.capabilities;
  if (!unsupported.empty()) {
    lacking.push_back(
        absl::StrCat("allow_caps configured with capabilities not supported by system: ",
                     capability::JoinedNames(unsupported)));
  }
  if (lacking.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(lacking, "; "));
}

}  // namespace cloister::node
