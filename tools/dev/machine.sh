# shellcheck shell=bash
# What this machine lets us do. Sourced by tools/dev scripts; every function answers by exit status.

machine_is_root() { [[ $(id -u) -eq 0 ]]; }

# A mount and a pid namespace of our own: every task needs both.
machine_has_namespaces() { unshare --mount --pid --fork true 2>/dev/null; }

# Of an ordinary user: what the executor makes for itself then.
machine_has_user_namespaces() { unshare --user --map-root-user --mount --pid --fork true 2>/dev/null; }

# A cgroup directory can be made: v2, or the pids hierarchy of v1.
machine_has_cgroups() {
  local root probe
  for root in /sys/fs/cgroup /sys/fs/cgroup/pids; do
    probe="${root}/cloister-probe-$$"
    if [[ -f ${root}/cgroup.procs ]] && mkdir "${probe}" 2>/dev/null; then
      rmdir "${probe}"
      return 0
    fi
  done
  return 1
}

# One line for each thing that is missing, and what follows. Silent on a complete machine.
machine_print_limits() {
  if ! machine_is_root; then
    echo "machine: not root: tests that need root skip themselves (run as root to have them)"
  elif ! machine_has_namespaces; then
    echo "machine: no mount or pid namespaces (a container without CAP_SYS_ADMIN): tests that launch tasks cannot pass here"
  elif ! machine_has_cgroups; then
    echo "machine: cgroups are read-only: tests of limits cannot pass here; tasks run with --cgroups=none"
  fi
}
