// print_env: the environment, one "NAME=value" a line, in the order in which it was given.
#include <stdio.h>
#include <unistd.h>

int main() {
  for (char** entry = environ; *entry != nullptr; ++entry) puts(*entry);
  return 0;
}
