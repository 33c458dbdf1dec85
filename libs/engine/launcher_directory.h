// LauncherDirectory: the folder `launchers` of the state directory: spawns a launcher into it, and
// reads back who is there (libs/state/layout.h).
#ifndef CLOISTER_LIBS_ENGINE_LAUNCHER_DIRECTORY_H_
#define CLOISTER_LIBS_ENGINE_LAUNCHER_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/internal/record.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/engine/launcher_client.h"

namespace cloister::engine {

struct LauncherProgram {
  // The binary.
  std::string path;
  // Of this build; with another one's launchers it is not for new tasks.
  std::string version;
  std::string boot_id;
  // For the sockets: 0700, short.
  std::string run_directory;
  // Unique on this machine for this state directory: "<slot_prefix>-<launcher>" begins every cgroup
  // slot's name.
  std::string slot_prefix;
};

// Thread-safe: different launchers may be worked on at once.
class LauncherDirectory {
 public:
  LauncherDirectory(OwnedFd directory, LauncherProgram program);

  // The names, sorted; numbers, the highest one last.
  absl::StatusOr<std::vector<std::string>> List() const;

  // Records a new launcher, spawns it and connects. On failure nothing of it is left.
  absl::StatusOr<LauncherClient::Target> Spawn() const;

  // The launcher of a record. NOT_FOUND: it is gone, it was of another boot, or it never ran.
  // UNAVAILABLE: it lives and does not answer.
  absl::StatusOr<LauncherClient::Target> Open(const std::string& name) const;

  // Its record; NOT_FOUND.
  absl::StatusOr<internal::LauncherRecord> ReadRecord(const std::string& name) const;

  // Forgets a launcher that is gone, its socket included. Idempotent.
  absl::Status Remove(const std::string& name) const;

  // The end of its log, a few hundred bytes at most, without line breaks at the end; empty if there
  // is none.
  std::string LastWords(const std::string& name) const;

  std::string SlotPrefix(const std::string& name) const;
  const LauncherProgram& program() const { return program_; }

 private:
  struct Listening {
    OwnedFd directory;
    OwnedFd socket;
    OwnedFd log;
    internal::LauncherRecord record;
  };
  absl::StatusOr<Listening> Listen(const std::string& name) const;
  absl::StatusOr<LauncherClient::Target> Exec(Listening listening) const;
  absl::StatusOr<std::string> NextName() const;

  const OwnedFd directory_;
  const LauncherProgram program_;
};

}  // namespace cloister::engine

#endif  // CLOISTER_LIBS_ENGINE_LAUNCHER_DIRECTORY_H_
