job "example" {
  group "example" {
    task "example" {
      driver = "exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "echo \"hello from $(hostname)\""]
      }
    }
  }
}
