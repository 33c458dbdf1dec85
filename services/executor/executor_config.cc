#include "services/executor/executor_config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/artifact/egress_policy.h"
#include "libs/base/field_violations.h"
#include "libs/base/lexical_path.h"
#include "libs/cgroup/placement.h"
#include "libs/node/policy_file.h"

namespace cloister::executor {
namespace {

constexpr size_t kMaxNodeIdBytes = 64;

std::vector<std::string> Entries(const std::string& list) {
  std::vector<std::string> entries = absl::StrSplit(list, ',', absl::SkipWhitespace());
  for (std::string& entry : entries) absl::StripAsciiWhitespace(&entry);
  return entries;
}

class FlagReader {
 public:
  explicit FlagReader(const ExecutorFlags& flags) : flags_(flags) {}

  void Wrong(const std::string& flag, absl::string_view why) {
    violations_.push_back({flag, std::string(why)});
  }
  void Keep(const std::string& flag, const absl::Status& status) {
    if (!status.ok()) Wrong(flag, status.message());
  }

  std::string NodeId(const std::string& hostname) {
    const std::string& id = flags_.node_id.empty() ? hostname : flags_.node_id;
    const bool fits = !id.empty() && id.size() <= kMaxNodeIdBytes &&
                      std::all_of(id.begin(), id.end(), [](unsigned char c) {
                        return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
                      });
    if (!fits) {
      Wrong("node_id", absl::StrCat("'", id, "' must be 1 to ", kMaxNodeIdBytes,
                                    " characters of A-Z a-z 0-9 . _ -"));
    }
    return id;
  }

  std::string Directory(const std::string& flag, const std::string& path, bool required) {
    if (path.empty()) {
      if (required) Wrong(flag, "is required: an absolute path");
      return path;
    }
    if (!absl::StartsWith(path, "/")) Wrong(flag, absl::StrCat("'", path, "' is not absolute"));
    return CleanPath(path);
  }

  std::vector<rpc::Address> Addresses(const std::string& flag, const std::string& list) {
    std::vector<rpc::Address> addresses;
    for (const std::string& entry : Entries(list)) {
      absl::StatusOr<rpc::Address> address = rpc::ParseAddress(entry);
      if (address.ok()) addresses.push_back(*std::move(address));
      Keep(flag, address.status());
    }
    return addresses;
  }

  absl::optional<rpc::TlsFiles> Tls() {
    const rpc::TlsFiles files = {flags_.tls_cert, flags_.tls_key, flags_.tls_ca};
    const int given = !files.certificate.empty() + !files.key.empty() + !files.authority.empty();
    if (given == 0) return absl::nullopt;
    if (given < 3) Wrong("tls_cert", "tls_cert, tls_key and tls_ca come together or not at all");
    return files;
  }

  std::vector<uid_t> Uids() {
    std::vector<uid_t> uids;
    for (const std::string& entry : Entries(flags_.allowed_uids)) {
      uint32_t uid;
      if (absl::SimpleAtoi(entry, &uid)) {
        uids.push_back(uid);
      } else {
        Wrong("allowed_uids", absl::StrCat("'", entry, "' is no user id"));
      }
    }
    return uids;
  }

  int64_t Count(const std::string& flag, int64_t value, int64_t least) {
    if (value < least) Wrong(flag, absl::StrCat("must be at least ", least));
    return value;
  }

  // What the file of the policy says. A key of it that is a flag as well is refused: neither should
  // win by accident.
  node::NodePolicy PolicyOfFile() {
    if (flags_.policy.empty()) return node::DefaultNodePolicy();
    absl::StatusOr<node::PolicyFile> file = node::ReadPolicyFile(flags_.policy);
    if (!file.ok()) {
      Keep("policy", file.status());
      return node::DefaultNodePolicy();
    }
    for (const auto& [flag, given] : {std::make_pair("allow_caps", &flags_.allow_caps),
                                      std::make_pair("chroot_env", &flags_.chroot_env)}) {
      if (given->empty() || file->keys.count(flag) == 0) continue;
      Wrong(flag, absl::StrCat("is given by --", flag, " and by ", flags_.policy,
                               ": leave one of them out"));
    }
    return std::move(file->policy);
  }

  node::NodePolicy Policy() {
    node::NodePolicy policy = PolicyOfFile();
    if (flags_.cgroups != "auto" && flags_.cgroups != "none") {
      Wrong("cgroups", absl::StrCat("'", flags_.cgroups, "' must be auto or none"));
    }
    policy.limit_by_cgroups = flags_.cgroups != "none";
    Keep("cgroup_parent", cgroup::CheckParent(flags_.cgroup_parent));
    policy.cgroup_parent = flags_.cgroup_parent;
    if (!flags_.allow_caps.empty()) {
      absl::StatusOr<capability::CapabilityList> allowed =
          capability::ParseCapabilityList(Entries(flags_.allow_caps));
      if (allowed.ok()) policy.allow_caps = *allowed;
      Keep("allow_caps", allowed.status());
    }
    if (!flags_.chroot_env.empty()) {
      absl::StatusOr<std::vector<node::ChrootEntry>> entries =
          node::ParseChrootEntries(flags_.chroot_env);
      if (entries.ok()) policy.chroot_entries = *std::move(entries);
      Keep("chroot_env", entries.status());
    }
    return policy;
  }

  absl::Status status() const { return InvalidArgument(violations_); }

 private:
  const ExecutorFlags& flags_;
  std::vector<FieldViolation> violations_;
};

void AllowLoopback(artifact::EgressPolicy* egress) {
  for (const char* network : {"127.0.0.0/8", "::1/128"}) {
    egress->allowed_networks.push_back(*artifact::ParseCidr(network));
  }
}

}  // namespace

absl::StatusOr<ExecutorConfig> ParseExecutorFlags(const ExecutorFlags& flags,
                                                  const std::string& hostname) {
  FlagReader reader(flags);
  ExecutorConfig config;
  config.node_id = reader.NodeId(hostname);
  config.state_dir = reader.Directory("state_dir", flags.state_dir, /*required=*/true);
  config.run_dir = reader.Directory("run_dir", flags.run_dir, /*required=*/false);
  config.listen = reader.Addresses("listen", flags.listen);
  config.frontends = reader.Addresses("frontend", flags.frontend);
  const std::vector<rpc::Address> advertised =
      reader.Addresses("advertise_address", flags.advertise_address);
  if (advertised.size() > 1) reader.Wrong("advertise_address", "must be one address");
  if (!advertised.empty()) config.advertise_address = advertised.front();
  config.launcher_path = flags.launcher_path;
  if (config.launcher_path.empty()) {
    reader.Wrong("launcher_path", "is required: the path of cloister-launcher");
  }
  config.fetcher_path = flags.fetcher_path;
  config.tasks_per_launcher =
      static_cast<int>(reader.Count("tasks_per_launcher", flags.tasks_per_launcher, 1));
  config.max_tasks = reader.Count("max_tasks", flags.max_tasks, 1);
  config.memory_mib = reader.Count("memory_mib", flags.memory_mib, 0);
  config.tls = reader.Tls();
  config.dev = flags.dev;
  config.allowed_uids = reader.Uids();
  config.policy = reader.Policy();
  if (config.fetcher_path.empty()) config.policy.artifacts.enabled = false;
  // A developer's server is on the machine itself.
  if (config.dev) AllowLoopback(&config.policy.artifacts.egress);
  config.limit_by_cgroups = config.policy.limit_by_cgroups;
  if (absl::Status status = reader.status(); !status.ok()) return status;
  return config;
}

}  // namespace cloister::executor
