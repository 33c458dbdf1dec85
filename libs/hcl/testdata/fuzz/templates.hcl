a = <<-EOT
    %{ for k, v in {x = 1, y = 2} ~}
    ${k} = ${v} %{ if v == 1 }one%{ else }more%{ endif }
    %{~ endfor }
    $${kept} %%{kept}
  EOT
b = "a${~ "b" ~} c \u00fc\U0001F600 \" \\ ${"${"deep"}"}"
c = <<EOT
plain
EOT
