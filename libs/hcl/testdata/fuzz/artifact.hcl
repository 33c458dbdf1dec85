task "fetched" {
  driver = "exec"
  config {
    command = "a-program"
  }
  artifact {
    source = "https://files.example/a-program"
    options {
      checksum = "sha256:00ff"
    }
  }
}
