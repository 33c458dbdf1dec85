task "a" {}
task "b" { network {} }
job {}
group "g" {}
nonsense = [1
