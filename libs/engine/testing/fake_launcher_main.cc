// A program with the launcher's command line that runs nothing: --listen_fd=N, the rest is ignored.
// Killing it is the death of a launcher.
#include <cstdlib>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "libs/engine/testing/fake_launcher.h"

int main(int argc, char** argv) {
  int listen_fd = -1;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--listen_fd=") && !absl::SimpleAtoi(argument, &listen_fd)) {
      return EXIT_FAILURE;
    }
  }
  if (listen_fd < 0) return EXIT_FAILURE;
  cloister::engine::FakeLauncher launcher{cloister::OwnedFd(listen_fd)};
  launcher.AwaitRetired();
  return EXIT_SUCCESS;
}
