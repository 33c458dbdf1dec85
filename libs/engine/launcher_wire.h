// The executor's side of proto/cloister/internal/launcher.proto: one message per datagram.
// Stateless.
#ifndef CLOISTER_LIBS_ENGINE_LAUNCHER_WIRE_H_
#define CLOISTER_LIBS_ENGINE_LAUNCHER_WIRE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cloister/internal/launcher.pb.h"
#include "cloister/internal/plan.pb.h"

namespace cloister::engine {

inline constexpr uint32_t kLauncherWireVersion = 1;
// A larger plan travels in a sealed memfd.
inline constexpr size_t kMaxInlinePlanBytes = 32 * 1024;

// Both wait as long as a full socket buffer makes them, up to kSendPatience: UNAVAILABLE then, and
// nothing was sent. UNAVAILABLE also when the launcher has closed the socket. `socket` is
// non-blocking.
inline constexpr absl::Duration kSendPatience = absl::Seconds(10);
absl::Status SendRequest(int socket, const internal::LauncherRequest& request);
// `task_directory`: O_PATH descriptor, borrowed.
absl::Status SendLaunch(int socket, const std::string& task_id, const internal::LaunchPlan& plan,
                        int task_directory);
// `fds`: the joiner's socket, and what Join says of further ones; borrowed.
absl::Status SendJoin(int socket, const internal::Join& join, absl::Span<const int> fds);

// The next event. UNAVAILABLE when there is none yet (on a non-blocking socket), OUT_OF_RANGE at
// the end, DATA_LOSS for what is no event.
absl::StatusOr<internal::LauncherEvent> ReceiveEvent(int socket);

// The same, but waits for it until `deadline`: DEADLINE_EXCEEDED.
absl::StatusOr<internal::LauncherEvent> AwaitEvent(int socket, absl::Time deadline);

// Says Hello on a fresh connection and waits for the answer. What else comes meanwhile is appended
// to `backlog`.
absl::StatusOr<internal::HelloReply> SayHello(int socket, absl::Time deadline,
                                              std::vector<internal::LauncherEvent>* backlog);

// Asks for all tasks that the launcher has, ended but unforgotten ones included, and waits for all
// of the answer.
absl::StatusOr<std::vector<internal::InventoryReply::Entry>> AskInventory(
    int socket, absl::Time deadline, std::vector<internal::LauncherEvent>* backlog);

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_LAUNCHER_WIRE_H_
