// allocate MIB: takes and touches that much memory, says "allocated MIB" and exits 0.
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char** argv) {
  if (argc != 2) errx(111, "usage: allocate MIB");
  const size_t mebibytes = strtoul(argv[1], nullptr, 10);
  for (size_t i = 0; i < mebibytes; ++i) {
    // MAP_POPULATE touches every page, so the memory is charged here and now.
    void* memory = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) err(111, "mmap");
    static_cast<volatile char*>(memory)[0] = 1;
  }
  printf("allocated %zu\n", mebibytes);
  return 0;
}
