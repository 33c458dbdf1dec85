# What the node must be; a node that is not refuses the task. All that can be asked: cloister node status NODE.
task "constraint" {
  driver = "exec"

  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }

  # A kernel is called 6.1.0-28-amd64: a pre-release, as "version" sees it, and so nothing that ">= 4.19" takes.
  constraint {
    attribute = "${attr.kernel.version}"
    semver    = ">= 4.19.0"
  }

  constraint {
    attribute = "${attr.cpu.numcores}"
    operator  = ">="
    value     = "1"
  }

  config {
    command = "/bin/echo"
    args    = ["${attr.kernel.name} ${attr.kernel.version} on ${attr.cpu.arch}"]
  }
}
