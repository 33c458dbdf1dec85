job "j" {
  datacenters = ["*"]
  type        = "batch"
  update { max_parallel = 1 }
  meta { a = "1" }
  group "g" {
    count = 1
    restart {
      attempts = 0
      mode     = "fail"
    }
    volume "v" { type = "host" }
    task "t" {
      driver = "exec"
      config {
        command  = "${attr.x}/bin"
        args     = ["$${a}", env["A"], NOMAD_TASK_DIR]
        cap_add  = ["chown"]
        cap_drop = ["all"]
        work_dir = "/local"
      }
      env = { A = "1" }
      resources { memory = 64 }
      kill_timeout = "1m"
      dynamic "constraint" {
        for_each = ["a"]
        content {
          attribute = "${attr.y}"
          regexp    = constraint.value
        }
      }
      volume_mount {
        volume      = "v"
        destination = "/v"
      }
      template {
        data        = <<EOT
{{ x }}
EOT
        destination = "local/x"
      }
      artifact { source = "https://x" }
      lifecycle { hook = "prestart" }
      logs { max_files = 1 }
    }
  }
}
