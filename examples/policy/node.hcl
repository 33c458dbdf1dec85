# What tasks may do on this node: cloister-executor --policy=examples/policy/node.hcl
# Check it first: add --validate_config. Every key: docs/operator-guide.md.

# A task may ask for this capability and no other.
allow_caps = ["net_bind_service"]

# Users of the system are not for tasks.
denied_host_uids = "0-99"
denied_host_gids = "0,42" # root, shadow

# What tasks see of this node, read-only. It replaces the default list.
chroot_env = {
  "/bin"   = "/bin"
  "/etc"   = "/etc"
  "/lib"   = "/lib"
  "/lib64" = "/lib64"
  "/usr"   = "/usr"
}

# A task may bind what lies in these, with its user's rights; what follows, it may mount by name.
allowed_mount_sources = ["/srv", "/tmp"]

host_volume "scratch" {
  path = "/tmp"
}

# The most that one task may ask for. Memory and secrets in MiB.
ceilings {
  memory       = 8192
  pids         = 4096
  secrets      = 16
  kill_timeout = "10m"
}

# What tasks can ask about this node: ${node.datacenter}, ${meta.rack}.
node {
  datacenter = "dc1"
  class      = "general"

  meta {
    rack = "r7"
  }
}
