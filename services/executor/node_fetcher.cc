#include "services/executor/node_fetcher.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/placement.h"
#include "libs/node/host_root.h"
#include "libs/state/layout.h"

namespace cloister::executor {
namespace {

// Two ids for each fetch. Of a user namespace those below here: "nobody" is beyond, and what a
// passwd has is far before.
constexpr uint32_t kEndOfIds = 65000;
constexpr uint32_t kIdsOfFetch = 2;
constexpr int64_t kCpuShares = 256;

// A node without the file can fetch what is not https.
absl::StatusOr<std::string> ReadCertificates(const std::string& path) {
  CLOISTER_ASSIGN_OR_RETURN(const node::HostRoot root, node::HostRoot::Open("/"));
  if (!root.Exists(path)) return std::string();
  return Annotate(root.ReadText(path), "artifact.ca_file");
}

// What is fetched lies there beside what comes out of it, and a repository has its history, too.
artifact::OutputLimits OutputLimitsOf(const node::ArtifactPolicy& policy) {
  constexpr uint64_t kOwnEntries = 4096;
  artifact::OutputLimits limits;
  limits.bytes = policy.max_download_bytes + 2 * policy.unpack.bytes;
  limits.entries = kOwnEntries + 3 * policy.unpack.files;
  // A transfer that breaks may begin anew three times.
  limits.written = 4 * limits.bytes;
  return limits;
}

absl::StatusOr<artifact::FetcherOptions> OptionsOfClient(const NodeFetcherOptions& options,
                                                         const node::NodeFacts& facts) {
  const node::ArtifactPolicy& policy = options.policy;
  artifact::FetcherOptions client;
  client.program = options.program;
  client.id_count = kIdsOfFetch * static_cast<uint32_t>(policy.parallel);
  switch (facts.user_namespace.kind) {
    case node::UserNamespace::Kind::kNone:
      break;
    case node::UserNamespace::Kind::kOneId:
      client.id_count = 0;
      break;
    case node::UserNamespace::Kind::kRange:
      if (facts.user_namespace.last_uid < client.id_count + 1) {
        client.id_count = 0;
      } else {
        client.first_id = std::min(kEndOfIds, facts.user_namespace.last_uid + 1) - client.id_count;
      }
      break;
  }
  if (!options.cgroup_parent.empty()) {
    cgroup::TaskLimits limits;
    limits.memory_bytes = policy.memory_bytes;
    limits.pids = policy.pids;
    limits.cpu_shares = kCpuShares;
    CLOISTER_ASSIGN_OR_RETURN(client.cgroup,
                              cgroup::PlaceTask(facts.cgroups, options.cgroup_parent, limits));
  }
  client.cgroup_slot_prefix = options.slot_prefix;
  client.at_once = policy.parallel;
  client.time_limit = policy.timeout;
  client.file_bytes = std::max(policy.max_download_bytes, policy.unpack.bytes);
  client.allow_hg = policy.allow_hg;
  client.output = OutputLimitsOf(policy);
  client.egress = policy.egress;
  client.on_trouble = options.on_trouble;
  return client;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NodeFetcher>> NodeFetcher::Start(const NodeFetcherOptions& options,
                                                                const node::NodeFacts& facts) {
  std::unique_ptr<NodeFetcher> fetcher(new NodeFetcher());
  engine::NodeArtifactsOptions artifacts;
  artifacts.policy = options.policy;
  artifacts.directory = absl::StrCat(options.state_dir, "/", state::kArtifactsDirectory);
  artifacts.on_trouble = options.on_trouble;
  CLOISTER_ASSIGN_OR_RETURN(artifacts.ca_pem, ReadCertificates(options.policy.ca_file));
  CLOISTER_ASSIGN_OR_RETURN(
      fetcher->cache_,
      Annotate(artifact::Cache::Open({artifacts.directory, facts.boot_id, options.clock}),
               "artifact cache"));
  CLOISTER_ASSIGN_OR_RETURN(artifact::FetcherOptions client, OptionsOfClient(options, facts));
  artifacts.own = client.id_count != 0;
  const std::string log_path = absl::StrCat(options.state_dir, "/", state::kFetcherLog);
  const OwnedFd log(
      open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!log.valid()) return ErrnoStatus(errno, log_path);
  client.log = log.get();
  CLOISTER_ASSIGN_OR_RETURN(fetcher->client_,
                            Annotate(artifact::FetcherClient::Start(std::move(client)), "fetcher"));
  fetcher->artifacts_ = std::make_unique<engine::NodeArtifacts>(
      std::move(artifacts), fetcher->cache_.get(), fetcher->client_.get());
  return fetcher;
}

}  // namespace cloister::executor
