# A directory of the node that its policy names: host_volume "scratch", as in policy/node.hcl.
job "volume" {
  group "volume" {
    volume "input" {
      type      = "host"
      source    = "scratch"
      read_only = true
    }

    task "list" {
      driver = "exec"

      config {
        command = "/bin/ls"
        args    = ["-a", "/input"]
      }

      volume_mount {
        volume      = "input"
        destination = "/input"
      }
    }
  }
}
