a = range(1e9)
b = [for x in range(5000) : [for y in range(5000) : x]]
c = format("%999999d", 1)
d = join("x", range(4000))
