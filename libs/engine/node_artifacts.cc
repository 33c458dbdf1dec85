#include "libs/engine/node_artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <google/protobuf/util/time_util.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "libs/artifact/adopt_tree.h"
#include "libs/artifact/copy_tree.h"
#include "libs/artifact/directory_source.h"
#include "libs/artifact/file_source.h"
#include "libs/artifact/hasher.h"
#include "libs/artifact/retryable.h"
#include "libs/artifact/unpack_limits.h"
#include "libs/base/errno_status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/engine/artifact_credential.h"
#include "libs/engine/awaited_fetch.h"
#include "libs/engine/cell_content.h"
#include "libs/engine/once_event.h"
#include "libs/os/directory.h"

namespace cloister::engine {
namespace {

using artifact::ArtifactSource;
using artifact::CachedObject;
using artifact::FetchReport;
using artifact::SourceKind;
using internal::ArtifactPlan;

constexpr absl::Duration kMostBackOff = absl::Minutes(1);
constexpr size_t kCommitDigits = 40;

// How a commit is written among digests: those of two programs are not the same.
std::string CommitDigest(SourceKind kind, absl::string_view commit) {
  return absl::StrCat(kind == SourceKind::kHg ? "hg:" : "git:", commit);
}

bool IsCommit(absl::string_view ref) {
  return ref.size() == kCommitDigits && std::all_of(ref.begin(), ref.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// What is made of the bytes. Two orders with the same form want the same content of the same bytes.
std::string FormOf(const ArtifactSource& source, ArtifactPlan::Mode mode) {
  return absl::StrCat("mode=", mode, " archive=", source.archive.kind, "/", source.archive.format,
                      " strip=", source.unpack.strip_components, " umask=", source.unpack.umask,
                      " submodules=", source.git.submodules, " name=", source.file_name, " //",
                      source.subdir);
}

// All that decides what a server sends.
std::string SourceKeyOf(const ArtifactSource& source, const ArtifactPlan& plan,
                        const std::string& form) {
  std::vector<std::string> headers;
  for (const auto& [name, value] : plan.headers()) {
    headers.push_back(artifact::IndexKey({name, value}));
  }
  std::sort(headers.begin(), headers.end());
  const std::string generation = absl::StrCat(source.gcs.generation);
  std::vector<absl::string_view> parts = {source.url,    source.credentials, source.git.ref,
                                          source.hg_rev, source.s3.version,  generation,
                                          form};
  parts.insert(parts.end(), headers.begin(), headers.end());
  return artifact::IndexKey(parts);
}

// What the artifact must be to be had by name alone; empty where only the server can say.
std::string DigestOf(const ArtifactSource& source) {
  if (source.checksum.has_value() && source.checksum->digest.has_value()) {
    return source.checksum->digest->ToString();
  }
  const std::string& commit = source.kind == SourceKind::kHg ? source.hg_rev : source.git.ref;
  return IsCommit(commit) ? CommitDigest(source.kind, commit) : "";
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  return google::protobuf::util::TimeUtil::NanosecondsToDuration(
      absl::ToInt64Nanoseconds(duration));
}

bool IsDirectory(const OwnedFd& file) {
  struct stat facts;
  return file.valid() && fstat(file.get(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

// Of the node itself: there is nothing to parse, and a cell could not read it.
absl::StatusOr<FetchReport> CopyDirectory(const artifact::FetchJob& fetch,
                                          const Cancellation& cancellation) {
  const absl::Time end = absl::Now() + fetch.time_limit;
  return artifact::CopyDirectorySource(
      fetch.request, fetch.file.get(), fetch.output.get(), [&]() -> absl::Status {
        if (cancellation.cancelled()) return absl::CancelledError("no longer wanted");
        if (absl::Now() < end) return absl::OkStatus();
        return absl::DeadlineExceededError(
            absl::StrCat("the copy takes longer than its time limit of ",
                         absl::FormatDuration(fetch.time_limit)));
      });
}

// Whether the one file is the very bytes of that digest. What everybody is served is not taken on
// the word of a cell, which has looked into a stranger's bytes; of what was unpacked the bytes are
// gone, so that only who had it fetched is served it.
absl::StatusOr<bool> IsFileOf(int content, absl::string_view sha256) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<plan::FetchedEntry> entries, EntriesOf(content));
  if (entries.size() != 1 || entries.front().is_directory || entries.front().is_link) return false;
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd file,
                            OpenBeneath(content, entries.front().name, O_RDONLY));
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<artifact::Checksum> digests,
                            artifact::HashFile(file.get(), entries.front().name));
  return artifact::HexOf(digests, artifact::DigestAlgorithm::kSha256) == sha256;
}

}  // namespace

struct NodeArtifacts::Job {
  const ArtifactOrder* order;
  ArtifactSource source;
  std::string form;
  // Of the content, where it is named; else empty.
  std::string digest;
  std::string source_key;

  bool off() const { return order->plan.cache() == ArtifactPlan::CACHE_OFF; }
  // What is not to be kept is filed under the task, so that no other order finds it.
  std::string tenant() const {
    return off() ? absl::StrCat("task of ", order->task_id) : order->tenant;
  }
};

NodeArtifacts::NodeArtifacts(NodeArtifactsOptions options, artifact::Cache* cache,
                             artifact::FetcherClient* fetcher)
    : options_(std::move(options)), cache_(cache), fetcher_(fetcher) {}

absl::StatusOr<NodeArtifacts::Job> NodeArtifacts::Understand(const ArtifactOrder& order) const {
  const std::map<std::string, std::string> options(order.plan.options().begin(),
                                                   order.plan.options().end());
  Job job;
  job.order = &order;
  CLOISTER_ASSIGN_OR_RETURN(job.source,
                            artifact::ParseArtifactSource(order.plan.source(), options));
  job.form = FormOf(job.source, order.plan.mode());
  job.digest = DigestOf(job.source);
  job.source_key = SourceKeyOf(job.source, order.plan, job.form);
  return job;
}

absl::optional<ProvidedArtifact> NodeArtifacts::TryCached(const ArtifactOrder& order) {
  const absl::StatusOr<Job> job = Understand(order);
  if (!job.ok() || job->digest.empty() || job->off()) return absl::nullopt;
  absl::optional<CachedObject> object =
      cache_->Find({order.tenant, job->digest, job->form}, order.task_id);
  if (!object.has_value()) return absl::nullopt;
  Hold(*job, object->facts.id);
  v1::ArtifactStatus status;
  status.set_cached(true);
  absl::StatusOr<ProvidedArtifact> provided = Provided(*std::move(object), std::move(status));
  if (!provided.ok()) return absl::nullopt;
  return *std::move(provided);
}

// Its end is told to all that wait for it.
class NodeArtifacts::Flight {
 public:
  // The flight of `key`, if there is none; else null, and `again` is run at the end of that one.
  static std::unique_ptr<Flight> Begin(NodeArtifacts* node, const std::string& key,
                                       const std::shared_ptr<OnceCall>& again) {
    absl::MutexLock lock(&node->mutex_);
    const auto [flight, is_new] = node->flights_.try_emplace(key);
    if (is_new) return std::unique_ptr<Flight>(new Flight(node, key));
    flight->second.push_back(again);
    return nullptr;
  }
  ~Flight() {
    std::vector<std::shared_ptr<OnceCall>> waiting;
    {
      absl::MutexLock lock(&node_->mutex_);
      const auto flight = node_->flights_.find(key_);
      waiting = std::move(flight->second);
      node_->flights_.erase(flight);
    }
    for (const auto& again : waiting) again->Run();
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

 private:
  Flight(NodeArtifacts* node, std::string key) : node_(node), key_(std::move(key)) {}

  NodeArtifacts* const node_;
  const std::string key_;
};

absl::optional<absl::StatusOr<ProvidedArtifact>> NodeArtifacts::ProvideUnlessOther(
    const ArtifactOrder& order, const ArtifactProgress& progress, Cancellation& cancellation,
    std::function<void()> again) {
  const absl::StatusOr<Job> job = Understand(order);
  if (!job.ok()) return absl::StatusOr<ProvidedArtifact>(job.status());
  const std::string key = artifact::IndexKey(
      {job->tenant(), job->digest, job->source_key, absl::StrCat(order.plan.cache())});
  const auto once = std::make_shared<OnceCall>(std::move(again));
  const std::unique_ptr<Flight> flight = Flight::Begin(this, key, once);
  if (flight == nullptr) {
    cancellation.Add([once] { once->Run(); });
    return absl::nullopt;
  }
  // It may have come since it was looked for.
  if (absl::optional<ProvidedArtifact> cached = TryCached(order)) {
    return absl::StatusOr<ProvidedArtifact>(*std::move(cached));
  }
  return FetchWithRetries(*job, progress, cancellation);
}

absl::StatusOr<ProvidedArtifact> NodeArtifacts::FetchWithRetries(const Job& job,
                                                                 const ArtifactProgress& progress,
                                                                 Cancellation& cancellation) {
  CLOISTER_ASSIGN_OR_RETURN(artifact::CacheStaging staging, cache_->Stage());
  // What a try has left is gone on with by the next one.
  artifact::Validators resume;
  absl::Duration back_off = options_.back_off;
  for (int attempt = 1;; ++attempt) {
    v1::ArtifactStatus status;
    status.set_state(v1::ArtifactStatus::STATE_FETCHING);
    status.set_attempts(attempt);
    progress(status);
    absl::StatusOr<ProvidedArtifact> provided =
        FetchOnce(job, status, progress, &staging, &resume, cancellation);
    if (provided.ok() || cancellation.cancelled()) return provided;
    if (!artifact::IsRetryable(provided.status())) return provided;
    if (attempt >= options_.policy.attempts) {
      return Annotate(provided.status(), "after ", attempt,
                      attempt == 1 ? " attempt" : " attempts");
    }
    const auto event = std::make_shared<OnceEvent>();
    const uint64_t id = cancellation.Add([event] { event->Set(); });
    event->WaitFor(
        std::min(kMostBackOff, std::max(back_off, artifact::RetryAfter(provided.status()))));
    cancellation.Remove(id);
    if (cancellation.cancelled()) return absl::CancelledError("no longer wanted");
    back_off *= 2;
  }
}

absl::StatusOr<artifact::FetchJob> NodeArtifacts::MakeFetch(const Job& job,
                                                            const artifact::Validators& if_changed,
                                                            const artifact::Validators& resume,
                                                            int output) const {
  const node::ArtifactPolicy& policy = options_.policy;
  artifact::FetchJob fetch;
  artifact::FetchRequest& request = fetch.request;
  request.source = job.source;
  for (const auto& header : job.order->plan.headers()) {
    request.headers.emplace_back(header.first, header.second);
  }
  CLOISTER_ASSIGN_OR_RETURN(request.credential,
                            ReadCredential(policy, job.source.credentials, job.order->tenant));
  request.mode = static_cast<artifact::FetchMode>(job.order->plan.mode());
  request.http.ca_pem = options_.ca_pem;
  request.http.proxy = policy.proxy;
  request.limits.max_bytes = static_cast<int64_t>(policy.max_download_bytes);
  request.limits.read = policy.read_timeout;
  request.limits.total = policy.timeout;
  request.unpack = policy.unpack;
  request.if_changed = if_changed;
  request.resume = resume;
  fetch.time_limit = policy.timeout;
  if (job.source.kind == SourceKind::kFile) {
    CLOISTER_ASSIGN_OR_RETURN(const OwnedFd root, OpenDirectory("/"));
    CLOISTER_ASSIGN_OR_RETURN(
        fetch.file, artifact::OpenFileSource(root.get(), job.source.url, policy.file_sources));
  }
  fetch.output = OwnedFd(openat(output, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fetch.output.valid()) return ErrnoStatus(errno, "staging directory");
  return fetch;
}

absl::StatusOr<ProvidedArtifact> NodeArtifacts::FetchOnce(const Job& job, v1::ArtifactStatus status,
                                                          const ArtifactProgress& progress,
                                                          artifact::CacheStaging* staging,
                                                          artifact::Validators* resume,
                                                          Cancellation& cancellation) {
  // Where nothing but the server can say what it is, it is asked whether it still is what it was.
  absl::optional<artifact::SourceHit> known;
  artifact::Validators if_changed;
  const bool ask = job.digest.empty() && !job.off() && !job.source.checksum.has_value();
  if (ask) known = cache_->FindBySource(job.order->tenant, job.source_key, job.order->task_id);
  if (known.has_value()) {
    Hold(job, known->object.facts.id);
    if_changed = {known->validator.etag, known->validator.last_modified};
  }
  CLOISTER_ASSIGN_OR_RETURN(artifact::FetchJob fetch,
                            MakeFetch(job, if_changed, *resume, staging->directory()));
  const absl::StatusOr<FetchReport> report =
      IsDirectory(fetch.file) ? CopyDirectory(fetch, cancellation)
                              : Fetch(std::move(fetch), status, progress, resume, cancellation);
  CLOISTER_RETURN_IF_ERROR(report.status());
  *status.mutable_download() = ToProto(report->times.download);
  *status.mutable_unpack() = ToProto(report->times.unpack);
  status.set_fetched_bytes(static_cast<uint64_t>(report->bytes));
  if (report->not_modified && known.has_value()) {
    status.set_cached(true);
    return Provided(std::move(known->object), std::move(status));
  }
  CLOISTER_ASSIGN_OR_RETURN(CachedObject object, Keep(job, *report, staging));
  if (ask && !report->validators.empty()) {
    Trouble(cache_->NoteSource(object.facts.id, job.order->tenant, job.source_key,
                               {report->validators.etag, report->validators.last_modified, {}}));
  }
  absl::StatusOr<ProvidedArtifact> provided = Provided(std::move(object), std::move(status));
  Evict();
  return provided;
}

absl::StatusOr<FetchReport> NodeArtifacts::Fetch(artifact::FetchJob fetch,
                                                 const v1::ArtifactStatus& status,
                                                 const ArtifactProgress& progress,
                                                 artifact::Validators* resume,
                                                 Cancellation& cancellation) {
  const auto listener = std::make_shared<AwaitedFetch>(status, progress);
  const uint64_t id = fetcher_->Fetch(std::move(fetch), listener);
  const uint64_t callback = cancellation.Add([this, id] { fetcher_->Cancel(id); });
  absl::StatusOr<FetchReport> report = listener->Await();
  cancellation.Remove(callback);
  *resume = listener->validators();
  return report;
}

absl::StatusOr<CachedObject> NodeArtifacts::Keep(const Job& job, const FetchReport& report,
                                                 artifact::CacheStaging* staging) {
  CLOISTER_ASSIGN_OR_RETURN(const int content, staging->OpenContent());
  artifact::AdoptOptions adopt;
  if (options_.own) adopt.owner = artifact::TreeOwner{geteuid(), getegid()};
  // A repository's tree is bounded by the same.
  adopt.limits.entries = std::max<uint64_t>(1, options_.policy.unpack.files);
  CLOISTER_ASSIGN_OR_RETURN(const artifact::TreeFacts tree, artifact::AdoptTree(content, adopt));
  CLOISTER_RETURN_IF_ERROR(CheckTree(tree, report.is_tree, options_.policy));
  if (!report.is_tree) CLOISTER_RETURN_IF_ERROR(MakeProgram(content));
  artifact::NewObject object;
  object.tenant = job.tenant();
  if (job.order->plan.cache() == ArtifactPlan::CACHE_PUBLIC && !report.is_tree) {
    CLOISTER_ASSIGN_OR_RETURN(object.is_public, IsFileOf(content, report.sha256));
  }
  object.form = job.form;
  object.tree = tree;
  object.source = artifact::RedactedSource(job.source);
  if (!report.tree.empty()) {
    object.digests.push_back(absl::StrCat("tree:", report.tree));
  } else if (!report.commit.empty()) {
    object.digests.push_back(CommitDigest(job.source.kind, report.commit));
  } else {
    object.digests.push_back(absl::StrCat("sha256:", report.sha256));
  }
  for (const artifact::Checksum& digest : report.digests) {
    const std::string text = digest.ToString();
    if (text != object.digests.front()) object.digests.push_back(text);
  }
  CLOISTER_RETURN_IF_ERROR(CheckDigest(job.digest, object.digests));
  absl::StatusOr<CachedObject> kept =
      cache_->Insert(std::move(*staging), object, job.order->task_id);
  if (kept.ok()) Hold(job, kept->facts.id);
  return kept;
}

// As soon as the cache holds it: what Release does not know stays for ever.
void NodeArtifacts::Hold(const Job& job, const std::string& id) {
  absl::MutexLock lock(&mutex_);
  held_[job.order->task_id].insert(id);
  if (job.off()) not_kept_[job.order->task_id].insert(id);
}

absl::StatusOr<ProvidedArtifact> NodeArtifacts::Provided(CachedObject object,
                                                         v1::ArtifactStatus status) {
  ProvidedArtifact provided;
  struct stat facts;
  if (fstat(object.content.get(), &facts) != 0) return ErrnoStatus(errno, "what is cached");
  provided.fetched.outside = ContentPath(object.facts.id);
  provided.fetched.device = facts.st_dev;
  provided.fetched.inode = facts.st_ino;
  CLOISTER_ASSIGN_OR_RETURN(provided.fetched.entries, EntriesOf(object.content.get()));
  status.set_state(v1::ArtifactStatus::STATE_READY);
  if (!object.facts.digests.empty()) status.set_digest(object.facts.digests.front());
  if (status.total_bytes() == 0) status.set_total_bytes(status.fetched_bytes());
  provided.status = std::move(status);
  return provided;
}

absl::Status NodeArtifacts::Copy(const ProvidedArtifact& provided, const ArtifactPlan& plan,
                                 int task_directory, uint32_t uid, uint32_t gid) {
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd content, OpenDirectory(provided.fetched.outside));
  artifact::CopyOptions options;
  options.owner = artifact::TreeOwner{uid, gid};
  if (plan.file_name().empty()) {
    return artifact::CopyTree(content.get(), task_directory, plan.home(), options);
  }
  if (provided.fetched.entries.size() != 1) {
    return absl::FailedPreconditionError("it is not one file");
  }
  CLOISTER_ASSIGN_OR_RETURN(
      const OwnedFd file,
      OpenBeneath(content.get(), provided.fetched.entries.front().name, O_RDONLY));
  return artifact::CopyFile(file.get(), task_directory,
                            absl::StrCat(plan.home(), "/", plan.file_name()), options);
}

std::string NodeArtifacts::ContentPath(const std::string& id) const {
  return absl::StrCat(options_.directory, "/objects/", id, "/content");
}

void NodeArtifacts::Recover(const std::string& task_id, const internal::LaunchPlan& plan) {
  const std::string prefix = absl::StrCat(options_.directory, "/objects/");
  for (const internal::Mount& mount : plan.mounts()) {
    if (mount.kind() != internal::Mount::KIND_CACHED) continue;
    absl::string_view rest = mount.outside();
    if (!absl::ConsumePrefix(&rest, prefix)) continue;
    const std::string id(rest.substr(0, rest.find('/')));
    // One that is gone from the cache is still mounted, for as long as the task lives.
    if (!cache_->Ref(id, task_id).ok()) continue;
    absl::MutexLock lock(&mutex_);
    held_[task_id].insert(id);
  }
}

void NodeArtifacts::Release(const std::string& task_id) {
  std::set<std::string> ids;
  std::set<std::string> off;
  {
    absl::MutexLock lock(&mutex_);
    const auto held = held_.find(task_id);
    if (held == held_.end()) return;
    ids = std::move(held->second);
    held_.erase(held);
    const auto not_kept = not_kept_.find(task_id);
    if (not_kept != not_kept_.end()) off = std::move(not_kept->second);
    not_kept_.erase(task_id);
  }
  for (const std::string& id : ids) {
    cache_->Unref(id, task_id);
    if (off.count(id) != 0) cache_->Remove(id);
  }
}

void NodeArtifacts::Evict() {
  Trouble(Annotate(cache_->Evict({options_.policy.cache_bytes, options_.policy.cache_age}).status(),
                   "artifact cache"));
}

void NodeArtifacts::Trouble(const absl::Status& status) const {
  if (!status.ok() && options_.on_trouble != nullptr) options_.on_trouble(status);
}

}  // namespace cloister::engine
