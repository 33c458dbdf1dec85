a = [1, 2
b = 
c {
  d = )
}
"e" = 1
f: 2
g = "open
h = 1 i = 2
