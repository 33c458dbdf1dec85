# A job for `cloister run FILE`: one group, one task. `cloister validate FILE` says what is wrong with
# it, `cloister explain FILE` what a node would make of it. docs/task-reference.md lists everything.

# A value that can be given from outside: cloister run --var greeting=hi FILE.
variable "greeting" {
  type    = string
  default = "hello"
}

job "example" {
  # For a scheduler; nothing here chooses nodes by it.
  datacenters = ["*"]
  type        = "batch"

  # In the task's environment: NOMAD_META_owner.
  meta {
    owner = "nobody in particular"
  }

  group "example" {
    # A directory of the node that its policy names as host_volume "data".
    #
    # volume "data" {
    #   type      = "host"
    #   source    = "data"
    #   read_only = true
    # }

    # Tasks are not restarted.
    restart {
      attempts = 0
      mode     = "fail"
    }

    task "example" {
      driver = "exec"

      # A user of the node. Left out: nobody.
      # user = "www-data"

      config {
        # An absolute path inside the task's root, or a name that is looked up in /local, the root, the
        # volumes, /usr/local/bin, /usr/bin and /bin.
        command = "/bin/sh"

        # ${...} is replaced before the task starts, $${...} is left for the shell.
        args = ["-c", "echo \"$${GREETING} from ${node.unique.name}\"; exec id"]

        # work_dir = "/local"
        # pid_mode = "private"
        # ipc_mode = "private"
        # cap_drop = ["all"]
        # cap_add  = ["net_bind_service"]
      }

      env {
        GREETING = var.greeting
      }

      # volume_mount {
      #   volume      = "data"
      #   destination = "/data"
      # }

      # What the node must be.
      constraint {
        attribute = "${attr.kernel.name}"
        value     = "linux"
      }

      resources {
        cpu    = 100 # weight, relative to the other tasks of the node
        memory = 64  # MiB, limit
        pids   = 64  # most processes and threads
        # memory_max = 128
        # secrets    = 1 # MiB of /secrets, which is in memory
      }

      # A stop sends kill_signal, and kills what is left after kill_timeout.
      kill_signal  = "SIGTERM"
      kill_timeout = "5s"
    }
  }
}
