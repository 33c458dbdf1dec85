# A stop sends kill_signal and waits for kill_timeout before it kills: cloister run --detach graceful-stop.hcl, then
# cloister stop TASK; cloister logs TASK.
task "graceful-stop" {
  driver       = "exec"
  kill_signal  = "SIGINT"
  kill_timeout = "30s"

  config {
    command = "/bin/sh"
    args    = ["-c", "trap 'echo done; exit 0' INT; echo working; while :; do sleep 1; done"]
  }
}
