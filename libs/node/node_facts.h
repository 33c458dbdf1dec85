// NodeFacts: what this node can do, read once at start-up and then only passed around.
//
// Pure data, without I/O: plans are made from it, so that the same facts give the same plan on any
// machine. ReadNodeFacts (read_node_facts.h) fills it on a real node; tests make it up.
#ifndef CLOISTER_LIBS_NODE_NODE_FACTS_H_
#define CLOISTER_LIBS_NODE_NODE_FACTS_H_

#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/capability/capability_set.h"
#include "libs/node/cgroup_facts.h"
#include "libs/node/host_device.h"
#include "libs/node/host_path.h"

namespace cloister::node {

// A kernel interface that launching or supervising a task needs.
struct KernelFeature {
  // Its name in the manual pages, e.g. "openat2".
  std::string name;
  // 0: it works. Else the error number of the attempt, e.g. ENOSYS, or EPERM from a seccomp filter.
  int error_number = 0;
};

// How a task's cgroup can keep it from devices.
enum class DeviceFilter {
  kNone,
  kBpf,  // A program of a cgroup v2 hierarchy (BPF_CGROUP_DEVICE), with or without controllers.
};

// What an open file costs memory, that of the task that opened it, at the least: the kernel's
// struct file (184 bytes on 64-bit Linux 6.12, more before) and its place in a table.
constexpr uint64_t kLeastBytesOfAnOpenFile = 192;

// Files that can be made for a task, by their paths in its root.
inline constexpr const char* kGeneratedFiles[] = {"/etc/hosts", "/etc/hostname",
                                                  "/etc/resolv.conf"};

// The user namespace that an executor without root made for itself and its launchers. Inside, uid 0
// is the user who started it.
struct UserNamespace {
  enum class Kind {
    kNone,   // The executor is root's: it made none.
    kOneId,  // It has that user alone.
    kRange,  // And those after it that /etc/subuid and /etc/subgid give that user.
  };
  Kind kind = Kind::kNone;
  // Who started it, by the ids outside.
  std::string user_name;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string home;
  // The ids inside are 0 to these, both included.
  uint32_t last_uid = 0;
  uint32_t last_gid = 0;
  // Supplementary groups that could not be given up, and stay with every task.
  int kept_groups = 0;
  // The executor's own: no process of its can be given less.
  int oom_score_adj = 0;
  // Why tasks have no limits, a sentence; empty where they do, or where --cgroups=none says so.
  std::string why_no_limits;
};

struct NodeFacts {
  // `uname -r`, e.g. "6.1.0-28-amd64".
  std::string kernel_release;
  // /proc/sys/kernel/random/boot_id: tells a reboot from a restart of a process.
  std::string boot_id;
  std::string hostname;
  // The program that the kernel runs as the node's root, with the memory of what has crashed as its
  // input, a task's too (core(5), "Piping core dumps to a program"); empty: none.
  std::string crash_handler;
  // What all processes but root's can have open at once (fs.file-max, proc(5)), sockets and pipes
  // too. The kernel's own number is a tenth of the memory in KiB; systemd makes it the greatest.
  uint64_t max_open_files = INT64_MAX;
  // Physical memory in bytes, and processors that are online.
  uint64_t memory_bytes = 0;
  int cpus = 0;

  CgroupFacts cgroups;

  UserNamespace user_namespace;

  // The capabilities that this kernel knows, up to /proc/sys/kernel/cap_last_cap, and that this
  // process may have (CapBnd); those that it knows and we do not are left out.
  capability::CapabilitySet capabilities;

  // One for each chroot entry of the node policy, in its order.
  std::vector<HostPath> chroot_sources;
  // One for each path that the node policy hides or makes read-only, in its order.
  std::vector<HostPath> mask_targets;
  // One for each host volume of the node policy, in its order.
  std::vector<HostPath> volume_sources;

  // What is at the place of each of kGeneratedFiles in the roots of tasks, in its order, and what
  // hosts and resolv.conf say; empty where there is no such file, or a large one.
  std::vector<HostPath> etc_files;
  std::string hosts_text;
  std::string resolv_conf_text;

  // One for each allowed device of the node policy, in its order.
  std::vector<HostDevice> devices;
  DeviceFilter device_filter = DeviceFilter::kNone;

  // Version of the kernel's Landlock; 0: it has none, or it is switched off.
  int landlock_abi = 0;

  // tmpfs knows `noswap` (Linux 6.4): what is in /secrets never reaches a disk.
  bool tmpfs_noswap = false;

  // The hard limits of this process, by RLIMIT_* number. Without CAP_SYS_RESOURCE no task can be
  // given more.
  std::array<uint64_t, RLIM_NLIMITS> hard_limits = {};

  // What tasks can ask about this node, by the name that they write in "${...}": attr.* as
  // fingerprint.h reads it, node.* and meta.* of the policy.
  std::map<std::string, std::string> attributes;

  // Every feature that is needed, with what trying it gave.
  std::vector<KernelFeature> features;
  // Whether one of them is missing that only the mounts of a task need, and mount(2) stands in for.
  bool classic_mounts = false;
};

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_NODE_FACTS_H_
