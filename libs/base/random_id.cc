#include "libs/base/random_id.h"

#include <sys/random.h>

#include <cstdlib>

#include "absl/strings/string_view.h"
#include "libs/base/base32.h"

namespace cloister {

std::string RandomId() {
  char bytes[16];
  // Up to 256 bytes come whole and cannot be interrupted; only a kernel without the call fails, and
  // an id that is not random must not exist.
  if (getrandom(bytes, sizeof(bytes), 0) != static_cast<ssize_t>(sizeof(bytes))) std::abort();
  return Base32Lower(absl::string_view(bytes, sizeof(bytes)));
}

}  // namespace cloister
