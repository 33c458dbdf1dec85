variable "a" {
  type    = object({n = number, l = list(string), o = optional(bool)})
  default = {n = 1, l = ["x"]}
}
locals {
  b = "${local.c}!"
  c = var.a.n
  d = local.e
  e = local.d
}
x = local.b
