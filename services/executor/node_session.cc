#include "services/executor/node_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/random_id.h"
#include "services/executor/frontend_session.h"

namespace cloister::executor {

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
}

NodeSession::~NodeSession() {
  for (const auto& session : sessions_) session->Stop();
}

void NodeSession::Update(const v1::Task& task) {
  const auto shared = std::make_shared<const v1::Task>(task);
  for (const auto& session : sessions_) session->Update(shared);
}

void NodeSession::Destroyed(absl::string_view task_id) {
  for (const auto& session : sessions_) session->Destroyed(task_id);
}

}  // namespace cloister::executor
