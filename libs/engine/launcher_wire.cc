#include "libs/engine/launcher_wire.h"

#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_macros.h"
#include "libs/os/memfd.h"
#include "libs/os/seqpacket.h"

namespace cloister::engine {
namespace {

// False when `deadline` passed first. An error or a hang-up counts as ready: the call that follows
// says which.
bool AwaitReady(int fd, short events, absl::Time deadline) {  // NOLINT: poll(2) takes a short
  while (true) {
    const absl::Duration left = std::max(absl::ZeroDuration(), deadline - absl::Now());
    pollfd entry = {fd, events, 0};
    const int count = poll(&entry, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    if (count > 0) return true;
    if (count == 0 && absl::Now() >= deadline) return false;
    if (count < 0 && errno != EINTR && errno != EAGAIN) return true;
  }
}

absl::Status SendPatiently(int socket, absl::string_view bytes, absl::Span<const int> fds) {
  absl::Status status = SendPacket(socket, bytes, fds);
  if (absl::IsUnavailable(status)) {
    const absl::Time deadline = absl::Now() + kSendPatience;
    while (absl::IsUnavailable(status) && AwaitReady(socket, POLLOUT, deadline)) {
      status = SendPacket(socket, bytes, fds);
    }
  }
  if (absl::IsUnavailable(status)) {
    return absl::UnavailableError(absl::StrCat("the launcher has not read its socket for ",
                                               absl::FormatDuration(kSendPatience)));
  }
  if (absl::IsFailedPrecondition(status)) {
    return absl::UnavailableError("the launcher has closed its socket");
  }
  return status;
}

}  // namespace

absl::Status SendRequest(int socket, const internal::LauncherRequest& request) {
  return SendPatiently(socket, request.SerializeAsString(), {});
}

absl::Status SendLaunch(int socket, const std::string& task_id, const internal::LaunchPlan& plan,
                        int task_directory) {
  internal::LauncherRequest request;
  request.mutable_launch()->set_task_id(task_id);
  if (plan.ByteSizeLong() <= kMaxInlinePlanBytes) {
    // Lent, not copied: a plan is a few KiB in some hundred pieces, and this is the way of every
    // start.
    request.mutable_launch()->unsafe_arena_set_allocated_plan(
        const_cast<internal::LaunchPlan*>(&plan));
    const std::string bytes = request.SerializeAsString();
    [[maybe_unused]] const auto* lent = request.mutable_launch()->unsafe_arena_release_plan();
    return SendPatiently(socket, bytes, {task_directory});
  }
  request.mutable_launch()->set_plan_in_fd(true);
  CLOISTER_ASSIGN_OR_RETURN(OwnedFd memfd, MakeSealedMemfd("plan", plan.SerializeAsString(), 0600));
  return SendPatiently(socket, request.SerializeAsString(), {task_directory, memfd.get()});
}

absl::Status SendJoin(int socket, const internal::Join& join, absl::Span<const int> fds) {
  internal::LauncherRequest request;
  *request.mutable_join() = join;
  return SendPatiently(socket, request.SerializeAsString(), fds);
}

absl::StatusOr<internal::LauncherEvent> ReceiveEvent(int socket) {
  CLOISTER_ASSIGN_OR_RETURN(Packet packet, ReceivePacket(socket));
  internal::LauncherEvent event;
  if (!event.ParseFromString(packet.bytes)) {
    return absl::DataLossError(
        absl::StrCat("a message of ", packet.bytes.size(), " bytes is no launcher event"));
  }
  return event;
}

absl::StatusOr<internal::LauncherEvent> AwaitEvent(int socket, absl::Time deadline) {
  while (true) {
    absl::StatusOr<internal::LauncherEvent> event = ReceiveEvent(socket);
    if (!absl::IsUnavailable(event.status())) return event;
    if (!AwaitReady(socket, POLLIN, deadline)) {
      return absl::DeadlineExceededError("the launcher did not answer in time");
    }
  }
}

absl::StatusOr<internal::HelloReply> SayHello(int socket, absl::Time deadline,
                                              std::vector<internal::LauncherEvent>* backlog) {
  internal::LauncherRequest request;
  request.mutable_hello()->set_version(kLauncherWireVersion);
  CLOISTER_RETURN_IF_ERROR(SendRequest(socket, request));
  while (true) {
    CLOISTER_ASSIGN_OR_RETURN(internal::LauncherEvent event, AwaitEvent(socket, deadline));
    if (event.has_hello()) return event.hello();
    backlog->push_back(std::move(event));
  }
}

absl::StatusOr<std::vector<internal::InventoryReply::Entry>> AskInventory(
    int socket, absl::Time deadline, std::vector<internal::LauncherEvent>* backlog) {
  internal::LauncherRequest request;
  request.mutable_inventory();
  CLOISTER_RETURN_IF_ERROR(SendRequest(socket, request));
  std::vector<internal::InventoryReply::Entry> entries;
  while (true) {
    CLOISTER_ASSIGN_OR_RETURN(internal::LauncherEvent event, AwaitEvent(socket, deadline));
    if (!event.has_inventory()) {
      backlog->push_back(std::move(event));
      continue;
    }
    for (auto& entry : *event.mutable_inventory()->mutable_entries()) {
      entries.push_back(std::move(entry));
    }
    if (!event.inventory().more()) return entries;
  }
}

}  // namespace cloister::engine
