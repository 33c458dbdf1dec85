# A script in /local, the task's own directory, and started from there: work_dir is where the command begins, and
# "./hello" is the task's own file.
task "work-dir" {
  driver = "exec"

  config {
    command  = "/bin/sh"
    work_dir = "/local"
    args = ["-c", <<-SCRIPT
      printf '#!/bin/sh\necho hello from "$PWD"\n' > hello
      chmod +x hello
      exec ./hello
    SCRIPT
    ]
  }
}
