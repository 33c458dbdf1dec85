# One file for several jobs: cloister run --var name=web --var 'words=["a", "b"]' variables.hcl, or
# cloister run --var-file values.vars variables.hcl.
variable "name" {
  type    = string
  default = "example"
}

variable "words" {
  type    = list(string)
  default = ["one", "two"]
}

variable "memory" {
  description = "MiB"
  type        = number
  default     = 64
}

locals {
  sentence = join(" and ", [for word in var.words : upper(word)])
}

job "variables" {
  meta {
    name = var.name
  }

  group "variables" {
    task "variables" {
      driver = "exec"

      config {
        command = "/bin/echo"
        args    = ["${var.name}: ${local.sentence}", "in ${NOMAD_META_name}"]
      }

      resources {
        memory = var.memory
      }
    }
  }
}
