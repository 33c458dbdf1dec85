# A server on a port below 1024, as a user that may do nothing else. Without cap_add the task holds no capability at
# all; with cap_drop = ["all"] no program of it can get one.
task "capabilities" {
  driver = "exec"
  user   = "nobody"

  config {
    command  = "/bin/grep"
    args     = ["^Cap", "/proc/self/status"]
    cap_drop = ["all"]
    cap_add  = ["net_bind_service"]
  }
}
