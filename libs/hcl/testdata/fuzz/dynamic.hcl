dynamic "task" {
  for_each = {x = 1, y = [2]}
  iterator = each
  labels   = ["t-${each.key}"]
  content {
    driver = each.value
    dynamic "config" {
      for_each = [each.key, "z"]
      content {
        a = "${config.key}${each.value}"
      }
    }
  }
}
