# A host name, limits and memory of the task's own, none of which the exec driver has.
task "limits" {
  driver = "exec"

  config {
    command = "/bin/sh"
    args    = ["-c", "echo $(hostname): $(ulimit -n) files, $(df -k /scratch | tail -n 1 | awk '{print $2}') KiB of scratch"]

    hostname = "fenced-1"

    rlimit "nofile" {
      soft = 256
      hard = 512
    }

    # Counts towards the task's memory.
    mount {
      type        = "tmpfs"
      destination = "/scratch"
      size        = 8388608
    }
  }
}
