// Where everything of a private cluster is. Every name of it is on this page.
//
//   D/                          the directory of `cloister dev --dir D`
//     dev.json                  who runs: pids, start times, boot id            (dev_record.h)
//     dev.lock                  held while somebody starts or stops it
//     log/frontend, log/node-1  what the services say; stays after a stop
//     node-1/                   state directory of the first executor (libs/state/layout.h) run/
//     0700; a link to a short directory beneath /run or /tmp where D is too long for sockets
//       frontend.sock
//       node-1/                 run directory of the first executor
//         executor.sock
//
//   <hierarchy>/cloister-dev-<hash of D>/node-1/    cgroups, in every hierarchy: nothing shared
//   with another cluster, so that
//                                                   all of it can go
//   <user's cgroup>/cloister-dev-<hash of D>/...    the same without root, in one that was given to
//                                                   the user; and beside it, with "-services", what
//                                                   makes room for it           (dev_cgroup.h)
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_LAYOUT_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_LAYOUT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister {

// Most nodes of a private cluster: they share one machine.
constexpr int kMaxDevNodes = 32;

struct DevNodeLayout {
  std::string id;  // "node-1"
  std::string state_directory;
  std::string run_directory;
  std::string socket;
  std::string log;
  // Without leading '/'.
  std::string cgroup_parent;

  std::string address() const;
};

struct DevLayout {
  std::string directory;  // D: absolute, clean.
  std::string record;
  std::string lock;
  std::string log_directory;
  // What `run` is: D/run itself, or what it links to.
  std::string run_link;
  std::string run_directory;
  std::string frontend_socket;
  std::string frontend_log;
  // Parent of all its cgroups: "cloister-dev-01c9f00d2a".
  std::string cgroup_parent;
  // Of its own processes, where they have to be out of the way of that.
  std::string service_cgroup;

  bool run_is_link() const { return run_link != run_directory; }
  // For CLOISTER_ADDR: "unix:/…/run/frontend.sock".
  std::string address() const;
  // `number` from 1 on.
  DevNodeLayout Node(int number) const;
};

// `directory` is absolute and clean; `short_base` is a directory for run directories, "/run" or
// "/tmp". Pure. INVALID_ARGUMENT if the directory is not absolute, or is the root.
absl::StatusOr<DevLayout> MakeDevLayout(absl::string_view directory, absl::string_view short_base);

// The layout of `directory` as typed: relative to the working directory, links resolved as far as
// it exists. Two spellings of one directory are one cluster.
absl::StatusOr<DevLayout> ResolveDevLayout(const std::string& directory);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_LAYOUT_H_
