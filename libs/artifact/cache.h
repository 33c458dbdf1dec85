// The artifacts that a node keeps.
//
//   <directory>/objects/<id>/{content/,record}     whole and verified: came there by one rename
//   <directory>/staging/<name>/                     being made or removed: swept by Open
//
// Addressed by verified content, per tenant unless an object is public: a caller is given what it
// can name (ObjectKey), or what its own tenant has fetched from the same place before. A hit looks
// at one inode, whatever the size; after a reboot of the machine an object is read in full before
// its first hit, since nothing is synced to the disk. What is damaged is dropped and is a miss.
//
// Thread-safe. Only this process writes to the directory.
#ifndef CLOISTER_LIBS_ARTIFACT_CACHE_H_
#define CLOISTER_LIBS_ARTIFACT_CACHE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cloister/internal/artifact_record.pb.h"
#include "libs/artifact/cache_object.h"
#include "libs/artifact/cache_staging.h"
#include "libs/base/clock.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

struct CacheOptions {
  // Absolute; made (0700) if it is not there.
  std::string directory;
  // Of libs/state/boot_id.h.
  std::string boot_id;
  // Borrowed.
  const Clock* clock = nullptr;
};

struct CachedObject {
  ObjectFacts facts;
  // The directory "content", O_PATH: to bind, or to copy from.
  OwnedFd content;
};

struct SourceHit {
  CachedObject object;
  Validator validator;
};

// What a staged tree is, once it is adopted (AdoptTree).
struct NewObject {
  std::string tenant;
  bool is_public = false;
  // All that were verified or computed; the first is the id's ("sha256:..." or "git:...").
  std::vector<std::string> digests;
  std::string form;
  TreeFacts tree;
  // Redacted (RedactedSource).
  std::string source;
};

struct EvictLimits {
  // Of content that is kept; and since its last use.
  uint64_t max_bytes = 0;
  absl::Duration max_age = absl::InfiniteDuration();
};

struct EvictReport {
  uint64_t objects = 0;
  uint64_t bytes = 0;
};

class Cache {
 public:
  // Sweeps what a crash left, and reads all records.
  static absl::StatusOr<std::unique_ptr<Cache>> Open(CacheOptions options);

  // In all of these `holder` (a task's id, say) holds the object until Unref: it is not evicted.
  // One holder holds an object once, however often it is named. "": nobody. Holds do not survive
  // the process: whoever still needs an object says so by Ref before the first Evict.

  // None: a miss. An object of the tenant's, else a public one.
  absl::optional<CachedObject> Find(const ObjectKey& key, absl::string_view holder);

  // What `tenant` last had from there (NoteSource): to be used if the server says that it still is
  // so.
  absl::optional<SourceHit> FindBySource(absl::string_view tenant, absl::string_view source_key,
                                         absl::string_view holder);

  // A directory to fetch into.
  absl::StatusOr<CacheStaging> Stage();

  // Takes what was staged. If there is such an object already, that one is given and the staged one
  // removed.
  absl::StatusOr<CachedObject> Insert(CacheStaging staging, const NewObject& object,
                                      absl::string_view holder);

  // Remembers where an object comes from. `source_key`: a digest of the URL and of all that is
  // asked with it; at most 16 are kept of an object, the newest.
  absl::Status NoteSource(const std::string& id, absl::string_view tenant,
                          absl::string_view source_key, const Validator& validator);

  absl::Status Ref(const std::string& id, absl::string_view holder);
  void Unref(const std::string& id, absl::string_view holder);

  // Removes what nobody holds: what is too old, then the least recently used while there is more
  // than max_bytes.
  absl::StatusOr<EvictReport> Evict(const EvictLimits& limits);
  // All that nobody holds.
  absl::StatusOr<EvictReport> Prune();

  // Removes one; nobody is given it any more. Whoever has it mounted keeps it until it lets go.
  void Remove(const std::string& id);

  // Reads an object in full. DATA_LOSS, and the object is dropped, if it is not as it was made.
  absl::Status Check(const std::string& id);

  // By last use, the newest first.
  std::vector<ObjectFacts> List() const;

 private:
  struct Object {
    internal::ArtifactRecord record;
    std::set<std::string> holders;
    absl::Time last_used;
    // When that was last written to the record's time.
    absl::Time last_use_noted;
  };

  explicit Cache(CacheOptions options) : options_(std::move(options)) {}

  absl::Status Load();
  absl::StatusOr<internal::ArtifactRecord> MakeRecord(CacheStaging& staging,
                                                      const NewObject& object) const;
  absl::Status LoadObject(const std::string& id);
  void AddToIndex(const std::string& id, const internal::ArtifactRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveFromIndex(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ObjectFacts FactsOf(const std::string& id, const Object& object) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::optional<CachedObject> Take(const std::string& id, absl::string_view holder);
  absl::StatusOr<CachedObject> TakeLocked(const std::string& id, absl::string_view holder)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsOfThisBoot(const std::string& id) const;
  void Drop(const std::string& id);
  std::vector<std::string> PickVictims(const EvictLimits& limits)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Out of objects/, under the lock; removed later, without it.
  absl::StatusOr<std::string> MoveAway(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const CacheOptions options_;
  OwnedFd objects_fd_;
  OwnedFd staging_fd_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Object> objects_ ABSL_GUARDED_BY(mutex_);
  // IndexKey of scope, digest, form -> id; of tenant, source key -> id.
  std::map<std::string, std::string> by_content_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> by_source_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_CACHE_H_
