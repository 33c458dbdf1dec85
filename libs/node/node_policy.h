// NodePolicy: what the operator of this node permits to tasks. Pure data, with the defaults of a
// careful node; the executor changes what its flags say.
#ifndef CLOISTER_LIBS_NODE_NODE_POLICY_H_
#define CLOISTER_LIBS_NODE_NODE_POLICY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/capability/capability_set.h"
#include "libs/capability/names.h"
#include "libs/node/artifact_policy.h"

namespace cloister::node {

// A file or directory of the node that every task sees, read-only. Both paths absolute and clean.
struct ChrootEntry {
  std::string outside;
  std::string inside;
};

// Whether a task has a namespace of its own.
enum class NamespaceMode { kPrivate, kHost };

// The most that a mount of a volume may ask for (`propagation_mode`); each includes those before
// it.
enum class VolumePropagation {
  kPrivate,        // What is mounted in the directory later stays where it is mounted.
  kHostToTask,     // The task sees what the node mounts there.
  kBidirectional,  // And the node what the task mounts: for a task that holds sys_admin.
};

// A directory of the node that tasks may mount by its name (`host_volume`).
struct HostVolume {
  std::string name;
  // Absolute and clean.
  std::string path;
  bool read_only = false;
  VolumePropagation propagation = VolumePropagation::kHostToTask;
};

// Ids from first to last, both included.
struct IdRange {
  uint32_t first = 0;
  uint32_t last = 0;
};

// What the node is called by, for tasks: node.* and meta.* (fingerprint.h), and NOMAD_DC,
// NOMAD_REGION.
struct NodeLabels {
  std::string datacenter = "dc1";
  std::string region = "global";
  std::string node_class;
  std::string pool = "default";
  std::map<std::string, std::string> meta;
};

struct NodePolicy {
  // What a task holds the right to without asking, and what it may ask for by cap_add
  // (`allow_caps`).
  capability::CapabilitySet default_capabilities;
  capability::CapabilityList allow_caps;
  // The exec driver's way: a task holds its calculated set in all five sets, not only what cap_add
  // names. Unsafe: with the defaults, uid nobody overrides every file permission in its root.
  bool ambient_default_caps = false;

  // Of a task that does not say (`pid_mode`, `ipc_mode`), and whether it may say "host". A default
  // of kHost allows it.
  NamespaceMode default_pid_mode = NamespaceMode::kPrivate;
  NamespaceMode default_ipc_mode = NamespaceMode::kPrivate;
  bool allow_host_pid_mode = false;
  bool allow_host_ipc_mode = false;

  // Of a task that does not say (`userns`): kPrivate gives each ids of its own, and whether it may
  // say "host" then.
  NamespaceMode default_userns = NamespaceMode::kHost;
  bool allow_host_userns = false;
  // The ids that are for such tasks, and how many each gets; 0: what MakeTaskIdPool says.
  uint32_t userns_first = 0;
  uint32_t userns_count = 0;
  uint32_t userns_ids_per_task = 65536;

  // What a task may switch off of its own fence: the seccomp profile, Landlock, no_new_privs, the
  // hiding of hidden_paths. Nothing is switched off unless the task asks for it.
  bool allow_unconfined_seccomp = false;
  bool allow_without_landlock = false;
  bool allow_new_privs = false;
  bool allow_unmasked_paths = false;

  // For a node whose root is an initramfs, which pivot_root(2) refuses: the task's root is moved
  // over "/" instead. No task holds sys_chroot then.
  bool no_pivot_root = false;

  // No two have one name.
  std::vector<HostVolume> host_volumes;
  // Directories that host volumes lie in (empty: anywhere), and what lies in which tasks may bind
  // (empty: nothing).
  std::vector<std::string> allowed_mount_sources;

  // By absolute path: what tasks may do with that device of the node, bits of BPF_DEVCG_ACC_*.
  std::map<std::string, uint32_t> allowed_devices;

  // What a task's root is made of; an entry that the node lacks is left out. Replaces the exec
  // driver's `chroot_env`.
  std::vector<ChrootEntry> chroot_entries;
  // Directories of our own: no chroot entry may be, contain or lie in one of them.
  std::vector<std::string> private_directories;

  // Paths of /proc and /sys that no task may read, and paths of /proc that none may write, as far
  // as the node has them.
  std::vector<std::string> hidden_paths;
  std::vector<std::string> read_only_paths;

  // The most that one task may ask for. 0 and infinity: no ceiling.
  uint64_t max_memory_bytes = 0;
  // 0: max_memory_bytes.
  uint64_t max_memory_max_bytes = 0;
  uint64_t max_secrets_bytes = 0;
  int64_t max_cpu_shares = 0;
  int64_t max_pids = 0;
  absl::Duration max_kill_timeout = absl::InfiniteDuration();
  // The most file descriptors that a task may open, RLIMIT_NOFILE.
  uint64_t max_open_files = 1 << 20;
  // By RLIMIT_* number. One that is not here is at most what a task has without asking.
  std::map<uint32_t, uint64_t> max_rlimits;
  // The least oom_score_adj: below 0 the kernel spares the task at the cost of others.
  int32_t min_oom_score_adj = 0;

  // uids that no task runs as, and gids that none has, as its own or beside it.
  std::vector<uint32_t> denied_uids;
  std::vector<IdRange> denied_host_uids;
  std::vector<IdRange> denied_host_gids;
  // Users that tasks may run as, as they are named or numbered in a task ("nobody", "1000",
  // "1000:100"). Empty: all that is not denied.
  std::vector<std::string> allowed_users;
  // uid 0 is refused, whatever is denied or allowed otherwise.
  bool allow_uid_0 = false;
  // A gid that a caller chooses ("uid:gid") is this or more, unless passwd gives it to that uid:
  // the groups of the system below it open files of the read-only /etc (group shadow reads
  // /etc/shadow). 1000 as in login.defs(5).
  uint32_t min_chosen_gid = 1000;

  // False (--cgroups=none): tasks run fenced but without limits.
  bool limit_by_cgroups = true;
  // Where the tasks' cgroups are, beneath each hierarchy's mount point.
  std::string cgroup_parent;

  NodeLabels labels;

  ArtifactPolicy artifacts;
};

// The thirteen capabilities, the exec driver's nine chroot entries, what Docker and runc hide, no
// uid 0, cgroups beneath cloister.slice.
NodePolicy DefaultNodePolicy();

// "/bin,/etc,/srv/tools:/opt/tools": entries separated by ',', each a path, or OUTSIDE:INSIDE.
// INVALID_ARGUMENT for a path that is not absolute and clean.
absl::StatusOr<std::vector<ChrootEntry>> ParseChrootEntries(absl::string_view text);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_NODE_POLICY_H_
