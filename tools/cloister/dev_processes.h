// The processes of a private cluster: how one is started, found and ended.
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_PROCESSES_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_PROCESSES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/os/pidfd.h"
#include "libs/os/spawn.h"

namespace cloister {

// Starts a service: session of its own, stdin from /dev/null, stdout and stderr behind what `log`
// holds.
absl::StatusOr<SpawnedProcess> StartDevService(const std::vector<std::string>& argv,
                                               const std::vector<std::string>& environment,
                                               const std::string& log);

struct DevProcessFound {
  // "cloister-executor", by /proc/PID/cmdline.
  std::string program;
  pid_t pid;
  PidFd pidfd;
};

// All running cloister-* processes whose stdout is a file beneath `directory`: those of a cluster
// there, launchers included, whether recorded or not.
absl::StatusOr<std::vector<DevProcessFound>> FindDevProcesses(const std::string& directory);

// SIGTERM, then SIGKILL after `grace`; reaps it if it is a child of ours. OK when it has ended.
absl::Status EndDevProcess(const PidFd& process, absl::Duration grace);

// "killed by SIGKILL (9)", "exited with code 1"; "ended" when it was no child of ours. Reaps it.
std::string ReapInWords(const PidFd& process);

// The last `lines` lines of a log, for an error message; empty when there are none.
std::string LastLines(const std::string& log, size_t lines);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_PROCESSES_H_
