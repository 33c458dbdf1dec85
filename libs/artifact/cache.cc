#include "libs/artifact/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/artifact/directory_names.h"
#include "libs/artifact/tree_digest.h"
#include "libs/base/errno_status.h"
#include "libs/base/random_id.h"
#include "libs/base/status_macros.h"
#include "libs/os/directory.h"
#include "libs/state/record_file.h"

namespace cloister::artifact {
namespace {

constexpr char kRecord[] = "record";
constexpr char kContent[] = "content";
constexpr int kMaxOrigins = 16;
// How exact the time of the last use is after a restart.
constexpr absl::Duration kUseNoted = absl::Minutes(1);
constexpr int kReadDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

int64_t Nanos(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

absl::Status Damaged(const std::string& id, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("artifact ", id, " in the cache: ", why));
}

// Where `key` may be found, in order.
std::vector<std::string> ContentKeys(const ObjectKey& key) {
  std::vector<std::string> keys = {IndexKey({"tenant", key.tenant, key.digest, key.form})};
  if (IsStrongDigest(key.digest)) keys.push_back(IndexKey({"public", key.digest, key.form}));
  return keys;
}

std::string SourceKey(absl::string_view tenant, absl::string_view source_key) {
  return IndexKey({tenant, source_key});
}

absl::StatusOr<OwnedFd> OpenDirectoryIn(int parent, const std::string& name) {
  return MakeDirectory(parent, name, 0700, geteuid(), getegid());
}

// What a hit looks at.
absl::Status CheckContent(const std::string& id, const internal::ArtifactRecord& record, int fd) {
  struct stat facts;
  if (fstat(fd, &facts) != 0) return ErrnoStatus(errno, "content");
  if (facts.st_ino != record.content_inode() ||
      Nanos(facts.st_mtim) != record.content_mtime_nanos())
    return Damaged(id, "its directory is not the one that was put there");
  return absl::OkStatus();
}

absl::StatusOr<OwnedFd> OpenContent(int objects, const std::string& id) {
  return OpenBeneath(objects, absl::StrCat(id, "/", kContent), O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cache>> Cache::Open(CacheOptions options) {
  std::unique_ptr<Cache> cache(new Cache(std::move(options)));
  const std::string& path = cache->options_.directory;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return ErrnoStatus(errno, absl::StrCat("'", path, "'"));
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd top, OpenDirectory(path));
  CLOISTER_ASSIGN_OR_RETURN(cache->objects_fd_, OpenDirectoryIn(top.get(), "objects"));
  CLOISTER_ASSIGN_OR_RETURN(cache->staging_fd_, OpenDirectoryIn(top.get(), "staging"));
  CLOISTER_RETURN_IF_ERROR(cache->Load());
  return cache;
}

absl::Status Cache::Load() {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> swept,
                            DirectoryNames(staging_fd_.get()));
  for (const std::string& name : swept) RemoveTree(staging_fd_.get(), name);
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<std::string> ids, DirectoryNames(objects_fd_.get()));
  for (const std::string& id : ids) {
    if (!LoadObject(id).ok()) RemoveTree(objects_fd_.get(), id);
  }
  return absl::OkStatus();
}

absl::Status Cache::LoadObject(const std::string& id) {
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd fd, OpenBeneath(objects_fd_.get(), id, kReadDirectory));
  CLOISTER_ASSIGN_OR_RETURN(const std::string bytes, state::ReadRecord(fd.get(), kRecord));
  Object object;
  if (!object.record.ParseFromString(bytes) || object.record.digests().empty())
    return Damaged(id, "its record cannot be read");
  const internal::ArtifactRecord& record = object.record;
  if (ObjectId(record.tenant(), record.public_(), record.digests(0), record.form()) != id)
    return Damaged(id, "its record is another's");
  struct stat facts;
  if (fstatat(fd.get(), kRecord, &facts, AT_SYMLINK_NOFOLLOW) != 0)
    return ErrnoStatus(errno, kRecord);
  object.last_used = object.last_use_noted = absl::TimeFromTimespec(facts.st_mtim);
  const absl::MutexLock lock(&mutex_);
  AddToIndex(id, record);
  objects_[id] = std::move(object);
  return absl::OkStatus();
}

void Cache::AddToIndex(const std::string& id, const internal::ArtifactRecord& record) {
  for (const std::string& digest : record.digests()) {
    if (!record.public_()) {
      by_content_[IndexKey({"tenant", record.tenant(), digest, record.form()})] = id;
    } else if (IsStrongDigest(digest)) {
      by_content_[IndexKey({"public", digest, record.form()})] = id;
    }
  }
  for (const internal::ArtifactOrigin& origin : record.origins())
    by_source_[SourceKey(origin.tenant(), origin.key())] = id;
}

void Cache::RemoveFromIndex(const std::string& id) {
  const auto of_id = [&](const auto& entry) { return entry.second == id; };
  for (auto* index : {&by_content_, &by_source_}) {
    for (auto it = index->begin(); it != index->end();)
      it = of_id(*it) ? index->erase(it) : std::next(it);
  }
  objects_.erase(id);
}

ObjectFacts Cache::FactsOf(const std::string& id, const Object& object) const {
  const internal::ArtifactRecord& record = object.record;
  ObjectFacts facts;
  facts.id = id;
  facts.tenant = record.tenant();
  facts.is_public = record.public_();
  facts.digests = {record.digests().begin(), record.digests().end()};
  facts.form = record.form();
  facts.tree_digest = record.tree_digest();
  facts.tree = {record.files(), record.directories(), record.links(), record.bytes()};
  facts.source = record.source();
  facts.created = absl::FromUnixNanos(record.created_unix_nanos());
  facts.last_used = object.last_used;
  facts.holders = {object.holders.begin(), object.holders.end()};
  return facts;
}

absl::StatusOr<CachedObject> Cache::TakeLocked(const std::string& id, absl::string_view holder) {
  const auto found = objects_.find(id);
  if (found == objects_.end())
    return absl::NotFoundError(absl::StrCat("there is no artifact ", id, " in the cache"));
  Object& object = found->second;
  CachedObject taken;
  CLOISTER_ASSIGN_OR_RETURN(taken.content, OpenContent(objects_fd_.get(), id));
  CLOISTER_RETURN_IF_ERROR(CheckContent(id, object.record, taken.content.get()));
  if (!holder.empty()) object.holders.emplace(holder);
  object.last_used = options_.clock->Now();
  if (object.last_used - object.last_use_noted > kUseNoted) {
    object.last_use_noted = object.last_used;
    const timespec times[2] = {{0, UTIME_OMIT}, absl::ToTimespec(object.last_used)};
    utimensat(objects_fd_.get(), absl::StrCat(id, "/", kRecord).c_str(), times,
              AT_SYMLINK_NOFOLLOW);
  }
  taken.facts = FactsOf(id, object);
  return taken;
}

bool Cache::IsOfThisBoot(const std::string& id) const {
  const absl::MutexLock lock(&mutex_);
  const auto found = objects_.find(id);
  return found == objects_.end() || found->second.record.boot_id() == options_.boot_id;
}

absl::optional<CachedObject> Cache::Take(const std::string& id, absl::string_view holder) {
  if (!IsOfThisBoot(id) && !Check(id).ok()) return absl::nullopt;
  absl::StatusOr<CachedObject> taken;
  {
    const absl::MutexLock lock(&mutex_);
    taken = TakeLocked(id, holder);
  }
  if (taken.ok()) return *std::move(taken);
  if (absl::IsDataLoss(taken.status()) || absl::IsNotFound(taken.status())) Drop(id);
  return absl::nullopt;
}

absl::optional<CachedObject> Cache::Find(const ObjectKey& key, absl::string_view holder) {
  for (const std::string& index_key : ContentKeys(key)) {
    std::string id;
    {
      const absl::MutexLock lock(&mutex_);
      const auto found = by_content_.find(index_key);
      if (found == by_content_.end()) continue;
      id = found->second;
    }
    if (absl::optional<CachedObject> taken = Take(id, holder)) return taken;
  }
  return absl::nullopt;
}

absl::optional<SourceHit> Cache::FindBySource(absl::string_view tenant,
                                              absl::string_view source_key,
                                              absl::string_view holder) {
  std::string id;
  Validator validator;
  {
    const absl::MutexLock lock(&mutex_);
    const auto found = by_source_.find(SourceKey(tenant, source_key));
    if (found == by_source_.end()) return absl::nullopt;
    id = found->second;
    for (const internal::ArtifactOrigin& origin : objects_[id].record.origins()) {
      if (origin.tenant() != tenant || origin.key() != source_key) continue;
      validator = {origin.etag(), origin.last_modified(),
                   absl::FromUnixNanos(origin.checked_unix_nanos())};
    }
  }
  absl::optional<CachedObject> taken = Take(id, holder);
  if (!taken) return absl::nullopt;
  return SourceHit{*std::move(taken), validator};
}

absl::StatusOr<CacheStaging> Cache::Stage() { return CacheStaging::Make(staging_fd_.get()); }

absl::StatusOr<internal::ArtifactRecord> Cache::MakeRecord(CacheStaging& staging,
                                                           const NewObject& object) const {
  internal::ArtifactRecord record;
  if (object.digests.empty())
    return absl::InvalidArgumentError("an artifact for the cache has no digest");
  if (!object.is_public) record.set_tenant(object.tenant);
  record.set_public_(object.is_public);
  *record.mutable_digests() = {object.digests.begin(), object.digests.end()};
  record.set_form(object.form);
  CLOISTER_ASSIGN_OR_RETURN(const int content, staging.OpenContent());
  CLOISTER_ASSIGN_OR_RETURN(*record.mutable_tree_digest(), TreeDigest(content));
  record.set_files(object.tree.files);
  record.set_directories(object.tree.directories);
  record.set_links(object.tree.links);
  record.set_bytes(object.tree.bytes);
  record.set_source(object.source);
  record.set_created_unix_nanos(absl::ToUnixNanos(options_.clock->Now()));
  struct stat facts;
  if (fstat(content, &facts) != 0) return ErrnoStatus(errno, kContent);
  record.set_content_inode(facts.st_ino);
  record.set_content_mtime_nanos(Nanos(facts.st_mtim));
  record.set_boot_id(options_.boot_id);
  return record;
}

absl::StatusOr<CachedObject> Cache::Insert(CacheStaging staging, const NewObject& object,
                                           absl::string_view holder) {
  CLOISTER_ASSIGN_OR_RETURN(internal::ArtifactRecord record, MakeRecord(staging, object));
  CLOISTER_RETURN_IF_ERROR(
      state::WriteRecord(staging.directory(), kRecord, record.SerializeAsString()));
  const std::string id = ObjectId(object.tenant, object.is_public, object.digests[0], object.form);
  const absl::MutexLock lock(&mutex_);
  if (const auto found = objects_.find(id); found != objects_.end()) {
    if (found->second.record.boot_id() == options_.boot_id) {
      absl::StatusOr<CachedObject> taken = TakeLocked(id, holder);
      if (taken.ok()) return taken;
    }
    // One that is damaged, or was not read since the machine was started: the new one is better.
    // Its bytes are swept by the next Open: somebody may still hold them.
    CLOISTER_RETURN_IF_ERROR(MoveAway(id).status());
  }
  if (renameat2(staging_fd_.get(), staging.name().c_str(), objects_fd_.get(), id.c_str(),
                RENAME_NOREPLACE) != 0)
    return ErrnoStatus(errno, absl::StrCat("artifact ", id, " to its place in the cache"));
  staging.Release();
  AddToIndex(id, record);
  Object& made = objects_[id];
  made.last_used = made.last_use_noted = absl::FromUnixNanos(record.created_unix_nanos());
  made.record = std::move(record);
  return TakeLocked(id, holder);
}

absl::Status Cache::NoteSource(const std::string& id, absl::string_view tenant,
                               absl::string_view source_key, const Validator& validator) {
  const absl::MutexLock lock(&mutex_);
  const auto found = objects_.find(id);
  if (found == objects_.end())
    return absl::NotFoundError(absl::StrCat("there is no artifact ", id, " in the cache"));
  internal::ArtifactRecord record = found->second.record;
  auto* origins = record.mutable_origins();
  for (int i = origins->size() - 1; i >= 0; --i) {
    if (origins->Get(i).tenant() == tenant && origins->Get(i).key() == source_key)
      origins->DeleteSubrange(i, 1);
  }
  while (origins->size() >= kMaxOrigins) {
    by_source_.erase(SourceKey(origins->Get(0).tenant(), origins->Get(0).key()));
    origins->DeleteSubrange(0, 1);
  }
  internal::ArtifactOrigin* origin = origins->Add();
  origin->set_tenant(std::string(tenant));
  origin->set_key(std::string(source_key));
  origin->set_etag(validator.etag);
  origin->set_last_modified(validator.last_modified);
  origin->set_checked_unix_nanos(absl::ToUnixNanos(validator.checked));
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd fd, OpenBeneath(objects_fd_.get(), id, kReadDirectory));
  CLOISTER_RETURN_IF_ERROR(state::WriteRecord(fd.get(), kRecord, record.SerializeAsString()));
  found->second.record = std::move(record);
  by_source_[SourceKey(tenant, source_key)] = id;
  return absl::OkStatus();
}

absl::Status Cache::Ref(const std::string& id, absl::string_view holder) {
  const absl::MutexLock lock(&mutex_);
  return TakeLocked(id, holder).status();
}

void Cache::Unref(const std::string& id, absl::string_view holder) {
  const absl::MutexLock lock(&mutex_);
  const auto found = objects_.find(id);
  if (found != objects_.end()) found->second.holders.erase(std::string(holder));
}

absl::StatusOr<std::string> Cache::MoveAway(const std::string& id) {
  std::string name = RandomId();
  if (renameat2(objects_fd_.get(), id.c_str(), staging_fd_.get(), name.c_str(), RENAME_NOREPLACE) !=
          0 &&
      errno != ENOENT)
    return ErrnoStatus(errno, absl::StrCat("artifact ", id, " out of the cache"));
  RemoveFromIndex(id);
  return name;
}

void Cache::Remove(const std::string& id) { Drop(id); }

void Cache::Drop(const std::string& id) {
  absl::StatusOr<std::string> name;
  {
    const absl::MutexLock lock(&mutex_);
    const auto found = objects_.find(id);
    // Whoever holds it has it mounted: nobody else is given it, and its bytes stay until Open.
    const bool held = found != objects_.end() && !found->second.holders.empty();
    name = MoveAway(id);
    if (held) return;
  }
  if (name.ok()) RemoveTree(staging_fd_.get(), *name);
}

std::vector<std::string> Cache::PickVictims(const EvictLimits& limits) {
  std::vector<std::pair<absl::Time, std::string>> free;
  uint64_t total = 0;
  for (const auto& [id, object] : objects_) {
    total += object.record.bytes();
    if (object.holders.empty()) free.emplace_back(object.last_used, id);
  }
  std::sort(free.begin(), free.end());
  const absl::Time now = options_.clock->Now();
  std::vector<std::string> victims;
  for (const auto& [last_used, id] : free) {
    if (total <= limits.max_bytes && now - last_used <= limits.max_age) break;
    total -= objects_[id].record.bytes();
    victims.push_back(id);
  }
  return victims;
}

absl::StatusOr<EvictReport> Cache::Evict(const EvictLimits& limits) {
  EvictReport report;
  std::vector<std::string> names;
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    for (const std::string& id : PickVictims(limits)) {
      const uint64_t bytes = objects_[id].record.bytes();
      absl::StatusOr<std::string> name = MoveAway(id);
      if (!name.ok()) {
        status = name.status();
        continue;
      }
      names.push_back(*std::move(name));
      ++report.objects;
      report.bytes += bytes;
    }
  }
  for (const std::string& name : names) RemoveTree(staging_fd_.get(), name);
  if (!status.ok()) return status;
  return report;
}

absl::StatusOr<EvictReport> Cache::Prune() {
  EvictLimits limits;
  // Also what has no bytes.
  limits.max_age = -absl::InfiniteDuration();
  return Evict(limits);
}

absl::Status Cache::Check(const std::string& id) {
  internal::ArtifactRecord record;
  {
    const absl::MutexLock lock(&mutex_);
    const auto found = objects_.find(id);
    if (found == objects_.end())
      return absl::NotFoundError(absl::StrCat("there is no artifact ", id, " in the cache"));
    record = found->second.record;
  }
  absl::StatusOr<std::string> digest;
  absl::StatusOr<OwnedFd> content = OpenContent(objects_fd_.get(), id);
  if (content.ok()) {
    digest = TreeDigest(content->get());
  } else {
    digest = content.status();
  }
  // Not being able to look is no reason to throw away.
  if (!digest.ok() && !absl::IsNotFound(digest.status()) &&
      !absl::IsInvalidArgument(digest.status()))
    return digest.status();
  if (!digest.ok() || *digest != record.tree_digest()) {
    Drop(id);
    return Damaged(id, digest.ok() ? absl::StrCat("its content has the digest ", *digest, ", not ",
                                                  record.tree_digest())
                                   : digest.status().message());
  }
  if (record.boot_id() == options_.boot_id) return absl::OkStatus();
  const absl::MutexLock lock(&mutex_);
  const auto found = objects_.find(id);
  if (found == objects_.end()) return absl::OkStatus();
  found->second.record.set_boot_id(options_.boot_id);
  CLOISTER_ASSIGN_OR_RETURN(const OwnedFd fd, OpenBeneath(objects_fd_.get(), id, kReadDirectory));
  return state::WriteRecord(fd.get(), kRecord, found->second.record.SerializeAsString());
}

std::vector<ObjectFacts> Cache::List() const {
  std::vector<ObjectFacts> all;
  const absl::MutexLock lock(&mutex_);
  all.reserve(objects_.size());
  for (const auto& [id, object] : objects_) all.push_back(FactsOf(id, object));
  std::sort(all.begin(), all.end(), [](const ObjectFacts& a, const ObjectFacts& b) {
    return a.last_used != b.last_used ? a.last_used > b.last_used : a.id < b.id;
  });
  return all;
}

}  // namespace cloister::artifact
