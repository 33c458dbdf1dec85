// Bytes as text that is safe in file names, cgroup names, DNS labels and URLs.

#ifndef CLOISTER_LIBS_BASE_BASE32_H_
#define CLOISTER_LIBS_BASE_BASE32_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cloister {

// RFC 4648 base32 in lower case (a-z, 2-7), without padding: 16 bytes give 26 characters.
std::string Base32Lower(absl::string_view bytes);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_BASE32_H_
