# The task's environment, and what is replaced in it: by the node, before the task starts. What the shell is to
# replace is written $${...}.
task "environment" {
  driver = "exec"

  config {
    command = "/bin/sh"
    args    = ["-c", "echo \"$${GREETING}, $1\"; echo data in $${DATA}", "sh", "${env["AUDIENCE"]}"]
  }

  env {
    GREETING = "hello"
    AUDIENCE = "${node.unique.name} with ${attr.cpu.numcores} processors"
    DATA     = "${NOMAD_ALLOC_DIR}/data"
  }
}
