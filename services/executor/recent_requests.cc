#include "services/executor/recent_requests.h"

#include "absl/strings/str_cat.h"

namespace cloister::executor {
namespace {

// Neither part holds a NUL: a principal is text of ours, an id is checked to be printable.
std::string Key(absl::string_view principal, absl::string_view request_id) {
  return absl::StrCat(principal, absl::string_view("\0", 1), request_id);
}

}  // namespace

RecentRequests::Answer RecentRequests::Ask(absl::string_view principal,
                                           absl::string_view request_id,
                                           absl::string_view body) const {
  absl::MutexLock lock(&mutex_);
  auto it = bodies_.find(Key(principal, request_id));
  if (it == bodies_.end()) return Answer::kNew;
  return it->second == body ? Answer::kRepeated : Answer::kReused;
}

void RecentRequests::Remember(absl::string_view principal, absl::string_view request_id,
                              absl::string_view body) {
  std::string key = Key(principal, request_id);
  absl::MutexLock lock(&mutex_);
  if (!bodies_.emplace(key, body).second) return;
  order_.push_back(std::move(key));
  if (order_.size() <= limit_) return;
  bodies_.erase(order_.front());
  order_.pop_front();
}

}  // namespace cloister::executor
