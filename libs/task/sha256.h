// SHA-256 (FIPS 180-4) by OpenSSL's libcrypto.
#ifndef CLOISTER_LIBS_TASK_SHA256_H_
#define CLOISTER_LIBS_TASK_SHA256_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cloister::task {

// 32 bytes, not text.
std::string Sha256(absl::string_view bytes);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_SHA256_H_
