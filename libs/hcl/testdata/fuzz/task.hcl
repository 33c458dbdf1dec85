task "web" {
  driver = "exec"
  config {
    command = "/bin/sleep"
    args    = ["1", "${NOMAD_TASK_DIR}/x", attr.cpu.arch]
  }
}
