// The run directory: a short path for an executor's sockets. A unix socket's path has 107 bytes at
// most (unix(7)), a state directory may be deeper than that. The two name each other: `<state
// dir>/run` is a link to the run directory, `<run dir>/state` one to the state directory. It is
// made again after a reboot.
#ifndef CLOISTER_LIBS_STATE_RUN_DIRECTORY_H_
#define CLOISTER_LIBS_STATE_RUN_DIRECTORY_H_

#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::state {

constexpr size_t kMaxSocketPathBytes = 107;

class RunDirectory {
 public:
  // Makes, or finds again, the run directory of a state directory, which is there. Both paths are
  // absolute. `wanted` empty: DefaultRunDirectory; otherwise the directory that holds `wanted` is
  // there. Then only the caller's user can enter it and nobody else can put another in its place:
  // FAILED_PRECONDITION says who could. ALREADY_EXISTS if it belongs to another state directory.
  static absl::StatusOr<RunDirectory> Make(const std::string& state_dir, const std::string& wanted);

  // The one that a state directory names, whoever made it: for a client, or for clearing up.
  // NOT_FOUND if it names none, or one that is gone. Checked as by Make.
  static absl::StatusOr<RunDirectory> Find(const std::string& state_dir);

  const std::string& path() const { return path_; }

  // The path of socket `name` in it; INVALID_ARGUMENT if that is longer than a socket's path may
  // be.
  absl::StatusOr<std::string> SocketPath(absl::string_view name) const;

 private:
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// "/run/cloister/<hash of the state directory's path>" for root; for others beneath
// "/run/user/<uid>" where that is, else beneath "/tmp/cloister-<uid>".
std::string DefaultRunDirectory(absl::string_view state_dir, uid_t uid);

// Removes the run directory that a state directory names, sockets included, and the link to it.
// Nobody uses it any more. OK if there is none.
absl::Status RemoveRunDirectory(const std::string& state_dir);

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_RUN_DIRECTORY_H_
