// TaskSpec: what was asked for, checked. The only way to one is ParseTaskSpec (parse_task_spec.h),
// so whoever holds one need not check again. Immutable, never serialised.
#ifndef CLOISTER_LIBS_TASK_TASK_SPEC_H_
#define CLOISTER_LIBS_TASK_TASK_SPEC_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/v1/task.pb.h"
#include "libs/artifact/artifact_source.h"
#include "libs/capability/names.h"
#include "libs/task/user_field.h"

namespace cloister::task {

// Whether a task has a namespace of its own or is in the node's.
enum class NamespaceMode { kNodeDefault, kPrivate, kHost };

// What of later mounts in a volume goes where (mount_namespaces(7)).
enum class Propagation { kPrivate, kHostToTask, kBidirectional };

// A volume at its place: what a `volume_mount` and the `volume` that it names say together.
struct VolumeMount {
  // Name of a `host_volume` of the node's policy.
  std::string source;
  // Absolute and clean, below "/".
  std::string destination;
  // By the volume or by the mount of it.
  bool read_only = false;
  Propagation propagation = Propagation::kPrivate;
};

// A limit of getrlimit(2); RLIM_INFINITY is unlimited. soft <= hard.
struct Rlimit {
  uint32_t resource = 0;
  uint64_t soft = 0;
  uint64_t hard = 0;
};

struct TaskMount {
  enum class Type { kBind, kTmpfs, kOwn };
  Type type = Type::kBind;
  // kBind: absolute and clean, of the node.
  std::string source;
  // Absolute and clean, below "/".
  std::string destination;
  bool read_only = false;
  bool noexec = false;
  // kTmpfs.
  uint64_t size_bytes = 0;
  uint32_t mode = 0;
};

// Each text fits into a line of resolv.conf(5).
struct Dns {
  bool is_set = false;
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
};

struct Device {
  std::string host_path;
  // Beneath /dev.
  std::string task_path;
  // Bits of BPF_DEVCG_ACC_*; 0: what the node allows.
  uint32_t access = 0;
};

// What is fetched before the task starts, and where it comes to lie.
struct ArtifactSpec {
  enum class Mode { kAny, kFile, kDirectory };
  // Who may be served it from the node's cache.
  enum class Cache { kTenant, kPublic, kOff };
  // As it was asked for, references replaced; `parsed` is the same, understood.
  std::string source;
  std::map<std::string, std::string> options;
  artifact::ArtifactSource parsed;
  std::map<std::string, std::string> headers;
  // Absolute and clean, inside, below "/".
  std::string directory;
  // Name of the file in it; empty: its own.
  std::string file_name;
  Mode mode = Mode::kAny;
  bool chown = false;
  Cache cache = Cache::kTenant;
};

class TaskSpec {
 public:
  // Inert text for people; may be empty.
  const std::string& name() const { return values_.name; }
  const std::map<std::string, std::string>& meta() const { return values_.meta; }
  // Inert text.
  const v1::JobContext& job() const { return values_.job; }
  // Bounded, not judged (constraint.h).
  const std::vector<v1::Constraint>& constraints() const { return values_.constraints; }

  // Not empty; absolute, or a name to search.
  const std::string& command() const { return values_.command; }
  const std::vector<std::string>& args() const { return values_.args; }
  // Names are [A-Za-z_][A-Za-z0-9_]*.
  const std::map<std::string, std::string>& env() const { return values_.env; }
  // Absolute and clean, inside the task's root.
  const std::string& work_dir() const { return values_.work_dir; }

  static constexpr uint64_t kUnlimitedMemory = ~uint64_t{0};

  NamespaceMode pid_mode() const { return values_.pid_mode; }
  NamespaceMode ipc_mode() const { return values_.ipc_mode; }
  // The user namespace, and with it ids of its own.
  NamespaceMode userns() const { return values_.userns; }
  // Inside paths, absolute and clean, of the node's chroot entries that are wanted. Empty: all.
  const std::vector<std::string>& chroot_env() const { return values_.chroot_env; }
  // Whether an init of ours is PID 1, and not the command.
  bool init() const { return values_.init; }
  // In the order of the configuration. No destination is that of another or lies in one, none is a
  // directory that every root has of its own or lies in /proc, /sys, /dev, /secrets, /alloc/logs.
  const std::vector<VolumeMount>& volume_mounts() const { return values_.volume_mounts; }

  // With the places of volume_mounts no two destinations are or lie in each other; but for kOwn, of
  // which each is /alloc, /local or /tmp.
  const std::vector<TaskMount>& mounts() const { return values_.mounts; }
  // In the order of the configuration.
  const std::vector<ArtifactSpec>& artifacts() const { return values_.artifacts; }
  // Size of what the task may change of its root; 0: it is read-only.
  uint64_t overlay_bytes() const { return values_.overlay_bytes; }
  // Size of /dev/shm.
  uint64_t shm_bytes() const { return values_.shm_bytes; }

  // At most one of each resource.
  const std::vector<Rlimit>& rlimits() const { return values_.rlimits; }
  // -1000 to 1000.
  int32_t oom_score_adj() const { return values_.oom_score_adj; }
  // Empty: the node's.
  const std::string& hostname() const { return values_.hostname; }
  const Dns& dns() const { return values_.dns; }
  // No two task paths are or lie in each other.
  const std::vector<Device>& devices() const { return values_.devices; }
  // What of the fence the task wants; the node's policy decides.
  bool seccomp_unconfined() const { return values_.seccomp_unconfined; }
  bool landlock() const { return values_.landlock; }
  bool no_new_privs() const { return values_.no_new_privs; }
  bool masked_paths() const { return values_.masked_paths; }

  const UserField& user() const { return values_.user; }
  const capability::CapabilityList& cap_add() const { return values_.cap_add; }
  const capability::CapabilityList& cap_drop() const { return values_.cap_drop; }

  // MHz shares, 1 to 262144.
  int64_t cpu_shares() const { return values_.cpu_shares; }
  // A whole number of MiB, at least one. The limit, unless memory_max says more.
  uint64_t memory_bytes() const { return values_.memory_bytes; }
  // The limit where it is not memory_bytes: more than that, or kUnlimitedMemory. 0: memory_bytes.
  uint64_t memory_max_bytes() const { return values_.memory_max_bytes; }
  // Size of /secrets; a whole number of MiB, at least one, at most memory_bytes.
  uint64_t secrets_bytes() const { return values_.secrets_bytes; }
  // 2 to 4194304.
  int64_t pids() const { return values_.pids; }
  // Fields of limits that the configuration sets, e.g. "resources.memory"; the others are defaults.
  const std::vector<std::string>& asked_limits() const { return values_.asked_limits; }

  // Whole milliseconds, 0 to 24 h; 0 kills at once.
  absl::Duration kill_timeout() const { return values_.kill_timeout; }
  // 1 to 64.
  int kill_signal() const { return values_.kill_signal; }

 private:
  friend absl::StatusOr<TaskSpec> ParseTaskSpec(const v1::TaskConfig& config);

  struct Values {
    std::string name;
    std::map<std::string, std::string> meta;
    v1::JobContext job;
    std::vector<v1::Constraint> constraints;
    std::string command;
    std::vector<std::string> args;
    std::map<std::string, std::string> env;
    std::string work_dir;
    NamespaceMode pid_mode = NamespaceMode::kNodeDefault;
    NamespaceMode ipc_mode = NamespaceMode::kNodeDefault;
    NamespaceMode userns = NamespaceMode::kNodeDefault;
    std::vector<std::string> chroot_env;
    bool init = true;
    std::vector<VolumeMount> volume_mounts;
    std::vector<TaskMount> mounts;
    std::vector<ArtifactSpec> artifacts;
    uint64_t overlay_bytes = 0;
    uint64_t shm_bytes = 0;
    std::vector<Rlimit> rlimits;
    int32_t oom_score_adj = 0;
    std::string hostname;
    Dns dns;
    std::vector<Device> devices;
    bool seccomp_unconfined = false;
    bool landlock = true;
    bool no_new_privs = true;
    bool masked_paths = true;
    UserField user;
    capability::CapabilityList cap_add;
    capability::CapabilityList cap_drop;
    int64_t cpu_shares = 0;
    uint64_t memory_bytes = 0;
    uint64_t memory_max_bytes = 0;
    uint64_t secrets_bytes = 0;
    int64_t pids = 0;
    std::vector<std::string> asked_limits;
    absl::Duration kill_timeout;
    int kill_signal = 0;
  };
  explicit TaskSpec(Values values) : values_(std::move(values)) {}

  Values values_;
};

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_TASK_SPEC_H_
