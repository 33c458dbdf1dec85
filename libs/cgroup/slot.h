// CgroupSlot: the cgroup of one task, one directory of the same name in each hierarchy of its plan.
// What the launcher uses; what goes where was decided by placement.h.
//
// A slot outlives the process that made it, so it has verbs and no destructor that acts. Each verb
// may be repeated and says what it failed on:
// "/sys/fs/cgroup/pids/cloister.slice/share/l1-7/pids.max: invalid argument", with the errno
// (ErrnoOf). Verbs work from any mount namespace once the slot's parents are open.
//
//   launcher's order: Create, Limit, [record directories()], clone and join by JoinFds(),
//   CloseJoinFds;
//                     reap, Kill, Stats, [record], Remove.
//
// Thread-compatible: different slots may be used from different threads at once.
// Sources: cgroups(7), clone3(2) for CLONE_INTO_CGROUP; kernel: admin-guide/cgroup-v2.rst,
// admin-guide/cgroup-v1/memory.rst, cpuacct.rst, pids.rst.
#ifndef CLOISTER_LIBS_CGROUP_SLOT_H_
#define CLOISTER_LIBS_CGROUP_SLOT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/cgroup/slot_parents.h"

namespace cloister::cgroup {

// Where a slot is in one hierarchy; what a record keeps of it.
struct SlotDirectory {
  // e.g. "/sys/fs/cgroup/memory" and "cloister.slice/share/l1-7".
  std::string mount_point;
  std::string path;
};

struct CgroupStats {
  // How many processes the kernel has killed because the memory limit was reached.
  uint64_t oom_kills = 0;
  // Of all processes that ever were in the slot.
  uint64_t cpu_time_ns = 0;
  // Highest charge; page cache included.
  uint64_t memory_peak_bytes = 0;
};

// Descriptors on loan from the slot, for the child of a clone that shares or copies our descriptor
// table.
struct JoinFds {
  // v1: a single-threaded child writes "0" to each, in this order. Never write a pid, and never use
  // cgroup.procs: that waits for an RCU grace period, some 10 ms (launch without it: 17 µs).
  std::vector<int> tasks;
  // v2: clone_args.cgroup, with CLONE_INTO_CGROUP. -1: there is no v2 hierarchy.
  int clone_into = -1;
};

class CgroupSlot {
 public:
  // A slot without directories, as for a node without cgroups: every verb succeeds and does
  // nothing.
  CgroupSlot() = default;

  enum class Existing { kTake, kRefuse };

  // Makes directory `name` (one plain name) in each parent and opens what JoinFds lends. With
  // kRefuse, ALREADY_EXISTS for a name in use: its counters would be another's. On failure nothing
  // that this call made is left.
  static absl::StatusOr<CgroupSlot> Create(std::shared_ptr<const SlotParents> parents,
                                           const std::string& name,
                                           Existing existing = Existing::kTake);

  // The slot of a record, whoever made it: for Kill, Stats and Remove. Directories that are gone
  // are skipped.
  static absl::StatusOr<CgroupSlot> Open(const std::vector<SlotDirectory>& directories);

  // Slot `name` of these parents, whether it is there or not: for Kill, Stats and Remove.
  static absl::StatusOr<CgroupSlot> Refer(std::shared_ptr<const SlotParents> parents,
                                          const std::string& name);

  // Has the kernel make its inodes of the files that limits go to, which a first open would have to
  // wait for: a third of Limit's time. For whoever makes slots ahead.
  void LoadLimitFiles() const;

  // Writes the plan's limits, in order. `plan` is for the parents that the slot was made in, else
  // INVALID_ARGUMENT. On failure `failed_index`, unless null, is the write's place among all writes
  // of the plan, counted from 0 across hierarchies.
  absl::Status Limit(const internal::CgroupPlan& plan, int* failed_index = nullptr) const;

  // Valid until CloseJoinFds, or the slot's end. Empty for an opened slot.
  JoinFds GetJoinFds() const;

  // The same slot, with what JoinFds lends opened anew: for one more process beside those that are
  // in it. An error when the slot is gone.
  absl::StatusOr<CgroupSlot> Reopen() const;

  // Once the task has joined; a running task then costs no descriptor here.
  void CloseJoinFds();

  // Kills every process in the slot and waits until none is left, at most `patience` (zero: signals
  // and looks once). DEADLINE_EXCEEDED names who is still there; call again. A slot that is gone is
  // OK. With a v2 hierarchy by cgroup.kill; with v1 alone process by process, forks being stopped
  // first.
  absl::Status Kill(absl::Duration patience) const;

  // Counters since the slot was made. NOT_FOUND once it is removed.
  absl::StatusOr<CgroupStats> Stats() const;

  // Removes the directories; those that are gone already are OK. FAILED_PRECONDITION (EBUSY) while
  // processes are in it, also for a moment after they were killed, until the kernel is done with
  // them: call again. The others are removed all the same.
  absl::Status Remove();

  // For the record; in the order of the plan.
  std::vector<SlotDirectory> directories() const;
  const std::string& name() const { return name_; }

 private:
  CgroupSlot(std::shared_ptr<const SlotParents> parents, std::string name)
      : parents_(std::move(parents)), name_(std::move(name)) {}

  absl::Status OpenJoinFds();

  std::shared_ptr<const SlotParents> parents_ = std::make_shared<SlotParents>();
  std::string name_;
  // v1 `tasks` files, in plan order; v2 directory.
  std::vector<OwnedFd> tasks_;
  OwnedFd unified_;
};

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_SLOT_H_
