#include "libs/node/recent_users.h"

#include "libs/base/status_macros.h"

namespace cloister::node {

absl::StatusOr<task::ResolvedUser> RecentUsers::LookUp(const task::UserField& field) {
  const std::string key = field.ToString();
  // Before the question, so that an answer is never believed for longer than kFresh.
  const absl::Duration now = clock_->Monotonic();
  {
    absl::MutexLock lock(&mutex_);
    const auto it = answers_.find(key);
    if (it != answers_.end() && now - it->second.asked < kFresh) return it->second.user;
  }
  CLOISTER_ASSIGN_OR_RETURN(task::ResolvedUser user, ask_(field));
  absl::MutexLock lock(&mutex_);
  if (answers_.size() >= kMost) answers_.clear();
  answers_[key] = {user, now};
  return user;
}

}  // namespace cloister::node
