// sleep_forever: says nothing and stays until a signal ends it.
#include <unistd.h>

int main() {
  for (;;) pause();
}
