// Text that may leave in a protocol buffer string: valid UTF-8 of bounded length.

#ifndef CLOISTER_LIBS_RPC_UTF8_TEXT_H_
#define CLOISTER_LIBS_RPC_UTF8_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace cloister::rpc {

// `text` with each byte that is not part of valid UTF-8 as '?', cut to at most `max_bytes` (at
// least 3) between two characters; what was cut ends in "...". Valid is what RFC 3629 says: no
// surrogates, no overlong forms, nothing above U+10FFFF. File names and what a task wrote can be
// anything, and a peer in another language drops a whole message for one bad byte.
std::string Utf8Text(absl::string_view text, size_t max_bytes);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_UTF8_TEXT_H_
