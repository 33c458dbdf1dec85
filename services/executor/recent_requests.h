// RecentRequests: which request_ids were carried out, for calls that leave no object to remember
// them: a signal that is sent again because its answer was lost must not be delivered twice.
#ifndef CLOISTER_SERVICES_EXECUTOR_RECENT_REQUESTS_H_
#define CLOISTER_SERVICES_EXECUTOR_RECENT_REQUESTS_H_

#include <cstddef>
#include <deque>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace cloister::executor {

// Thread-safe. Remembers the last `limit` requests of this process.
class RecentRequests {
 public:
  explicit RecentRequests(size_t limit) : limit_(limit) {}

  enum class Answer {
    kNew,
    kRepeated,  // The same caller, id and body.
    kReused,    // The same caller and id, another body.
  };
  Answer Ask(absl::string_view principal, absl::string_view request_id,
             absl::string_view body) const;

  // It was carried out.
  void Remember(absl::string_view principal, absl::string_view request_id, absl::string_view body);

 private:
  const size_t limit_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::string> bodies_ ABSL_GUARDED_BY(mutex_);
  // Keys of bodies_, oldest first.
  std::deque<std::string> order_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::executor

#endif  // CLOISTER_SERVICES_EXECUTOR_RECENT_REQUESTS_H_
