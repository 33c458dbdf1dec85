// RecentUsers: what the user database has just said, so that each of many starts does not ask it
// anew: two files read and parsed where it is files, a question over the network where it is a
// directory service.
#ifndef CLOISTER_LIBS_NODE_RECENT_USERS_H_
#define CLOISTER_LIBS_NODE_RECENT_USERS_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/task/resolved_user.h"
#include "libs/task/user_field.h"

namespace cloister::node {

// Thread-safe; asks without holding a lock.
class RecentUsers {
 public:
  // As LookUpUser.
  using Ask = std::function<absl::StatusOr<task::ResolvedUser>(const task::UserField&)>;

  // An answer counts so long. A change of the database is seen a second later at most; a user or a
  // group that is taken away may be given to a start for that second.
  static constexpr absl::Duration kFresh = absl::Seconds(1);
  // Users come from callers: so many are remembered.
  static constexpr size_t kMost = 1024;

  // `clock` outlives this.
  RecentUsers(Ask ask, const Clock* clock) : ask_(std::move(ask)), clock_(clock) {}

  // Errors, "no such user" among them, are not remembered: who was made a moment ago is there.
  absl::StatusOr<task::ResolvedUser> LookUp(const task::UserField& field)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Answer {
    task::ResolvedUser user;
    absl::Duration asked;
  };

  const Ask ask_;
  const Clock* const clock_;
  absl::Mutex mutex_;
  // By UserField::ToString.
  absl::flat_hash_map<std::string, Answer> answers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_RECENT_USERS_H_
