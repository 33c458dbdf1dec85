# Memory that is the task's own, and what it may use beyond it while the node has some left: a build that is large for
# a moment.
task "memory-max" {
  driver = "exec"

  config {
    command = "/bin/sh"
    args    = ["-c", "echo \"$${NOMAD_MEMORY_LIMIT} MiB, at most $${NOMAD_MEMORY_MAX_LIMIT} MiB\""]
  }

  resources {
    cpu        = 500
    memory     = 64
    memory_max = 128
    pids       = 32
  }
}
