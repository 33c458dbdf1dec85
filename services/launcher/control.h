// The launcher's side of its control socket: one controller at a time, an executor of the
// launcher's own user.
#ifndef CLOISTER_SERVICES_LAUNCHER_CONTROL_H_
#define CLOISTER_SERVICES_LAUNCHER_CONTROL_H_

#include <deque>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cloister/internal/launcher.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/os/pidfd.h"
#include "libs/os/seqpacket.h"

namespace cloister {

// Used by the main thread alone. Never blocks: a controller that does not read is no reason to
// leave tasks alone.
class Control {
 public:
  explicit Control(OwnedFd listener) : listener_(std::move(listener)) {}

  // Takes the next connection. PERMISSION_DENIED for another user's, FAILED_PRECONDITION while the
  // present controller's process lives: it is closed then, and the present one stays.
  absl::Status Accept();

  // OUT_OF_RANGE when the controller has gone; it is dropped then, and the next one may come.
  absl::StatusOr<Packet> Receive();

  // Whether Receive would find something now.
  bool HasMore() const;

  // Sends now, or when the socket has room; without a controller there is nobody to tell, and the
  // state is kept by whom it belongs to. False when the controller was dropped.
  void Send(const internal::LauncherEvent& event);

  // Sends what waits; to be called when the connection is writable.
  void Flush();

  int listener() const { return listener_.get(); }
  int connection() const { return connection_.get(); }
  bool has_backlog() const { return !backlog_.empty(); }

 private:
  void Drop();

  OwnedFd listener_;
  OwnedFd connection_;
  PidFd controller_;
  std::deque<std::string> backlog_;
};

}  // namespace cloister

#endif  // CLOISTER_SERVICES_LAUNCHER_CONTROL_H_
