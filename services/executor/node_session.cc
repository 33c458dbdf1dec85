#include "services/executor/node_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/random_id.h"
#include "services/executor/frontend_session.h"
#include "services/executor/session_outbox.h"

namespace cloister::executor {
namespace {

// Between two messages with news to one frontend, which cost both sides and are acknowledged: a
// thousand starts a second are two hundred messages. The first after a pause is told at once.
constexpr absl::Duration kPace = absl::Milliseconds(5);
// News of a task that goes on wait so long for others. Nobody waits for them at a frontend, whose
// StartTask is answered by the executor's own; and told at once they would take the processor from
// the very start that they tell of, half a millisecond of it. Of a task that lives for a moment the
// frontend then hears one state rather than three.
constexpr absl::Duration kGathering = absl::Milliseconds(5);

}  // namespace

std::string MakeIncarnation(const Clock& clock) {
  // Fixed width, so that text sorts as numbers do.
  return absl::StrFormat("%016x-%s", absl::ToInt64Nanoseconds(clock.Monotonic()), RandomId());
}

NodeSession::NodeSession(NodeSessionOptions options, const Clock* clock) {
  const auto shared = std::make_shared<const NodeSessionOptions>(std::move(options));
  const std::string incarnation = MakeIncarnation(*clock);
  for (const std::string& address : shared->frontends) {
    sessions_.push_back(std::make_shared<FrontendSession>(shared, address, incarnation, clock));
  }
  for (const auto& session : sessions_) session->Start();
  teller_ = std::thread([this] { RunTeller(); });
}

NodeSession::~NodeSession() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  teller_.join();
  for (const auto& session : sessions_) session->Stop();
}

void NodeSession::Update(const std::shared_ptr<const v1::Task>& task) {
  const bool urgent = HasEnded(*task);
  for (const auto& session : sessions_) session->Update(task);
  NoteNews(urgent);
}

void NodeSession::Destroyed(absl::string_view task_id) {
  for (const auto& session : sessions_) session->Destroyed(task_id);
  NoteNews(/*urgent=*/false);
}

void NodeSession::NoteNews(bool urgent) {
  if (sessions_.empty()) return;
  absl::MutexLock lock(&mu_);
  news_ = true;
  urgent_ = urgent_ || urgent;
}

void NodeSession::RunTeller() {
  const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return news_ || stopping_; };
  const auto pressing = [this]()
                            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return urgent_ || stopping_; };
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(&wanted));
      mu_.AwaitWithTimeout(absl::Condition(&pressing), kGathering);
      if (stopping_) return;
      news_ = false;
      urgent_ = false;
    }
    for (const auto& session : sessions_) session->Tell();
    absl::MutexLock lock(&mu_);
    if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), kPace)) return;
  }
}

}  // namespace cloister::executor
