// The part of the node's cgroup tree that is ours, made when an executor starts:
//
//   <mount point>/<parent>/share/<slot>     tasks that share the processors
//   <mount point>/<parent>/reserve/<slot>   tasks with processors of their own
//   <mount point>/<parent>/supervisor       executor and launchers
//
// in each hierarchy that tasks need (ChooseHierarchies). Nothing that is not beneath the parent is
// ever removed or limited; above it, v2 controllers that are missing are switched on, and nothing
// else is changed.
//
// Which parent: by default cloister.slice at the top of each hierarchy. Under systemd give the
// executor's unit `Delegate=yes` and `KillMode=process` (launchers outlive the executor) and start
// it with
// --cgroup_parent=<its own cgroup>, e.g. --cgroup_parent=system.slice/cloister.service: the line
// "0::" of /proc/self/cgroup without its leading '/'. systemd then leaves that subtree to us;
// elsewhere in its tree it may undo what we do. In a container with a cgroup namespace the path
// begins at the container's own cgroup. An ordinary user can only use a parent within a subtree
// that is delegated to it.
//
// Sources: cgroups(7); cgroup-v2.rst, "No Internal Process Constraint" and "Delegation"; systemd's
// CGROUP_DELEGATION.md.
#ifndef CLOISTER_LIBS_CGROUP_PARENT_H_
#define CLOISTER_LIBS_CGROUP_PARENT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/node/cgroup_facts.h"

namespace cloister::cgroup {

// Makes the tree, moves the calling process (all of its threads) into supervisor in each of these
// hierarchies, then enables the controllers that tasks need, top down, where they are not.
// Idempotent. Only for an executor that limits its tasks: with --cgroups=none it is not called.
//
// Errors say what to do. FAILED_PRECONDITION: the node has no cgroups, a controller is missing, a
// hierarchy is read-only, or a v2 cgroup on the way has processes of its own, so that the kernel
// enables nothing beneath it.
// PERMISSION_DENIED: the parent is not ours to use. INVALID_ARGUMENT: as CheckParent. Then the
// process is where `facts` say that it was, and no directory that this call made is left.
absl::Status MakeParent(const node::CgroupFacts& facts, absl::string_view parent);

// Removes `<mount point>/<parent>` and all cgroups beneath it, in every hierarchy of `facts`; kills
// nothing. FAILED_PRECONDITION names the first cgroup that has processes after `patience` (what was
// just killed stays in its cgroup for a moment); the rest is removed. Cgroups above the parent
// stay. Idempotent.
absl::Status RemoveParent(const node::CgroupFacts& facts, absl::string_view parent,
                          absl::Duration patience);

}  // namespace cloister::cgroup

#endif  // CLOISTER_LIBS_CGROUP_PARENT_H_
