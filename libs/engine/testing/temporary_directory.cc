#include "libs/engine/testing/temporary_directory.h"

#include <stdio.h>
#include <stdlib.h>

#include <filesystem>
#include <system_error>

namespace cloister::engine {

TemporaryDirectory::TemporaryDirectory() : path_("/tmp/cloister-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) {
    perror("mkdtemp");
    abort();
  }
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace cloister::engine
