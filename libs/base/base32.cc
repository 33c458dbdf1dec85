#include "libs/base/base32.h"

#include <cstdint>

namespace cloister {

std::string Base32Lower(absl::string_view bytes) {
  static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  uint32_t pending = 0;  // The low `pending_bits` bits are not written yet.
  int pending_bits = 0;
  for (const char byte : bytes) {
    pending = (pending << 8) | static_cast<uint8_t>(byte);
    pending_bits += 8;
    while (pending_bits >= 5) {
      pending_bits -= 5;
      text.push_back(kAlphabet[(pending >> pending_bits) & 31]);
    }
  }
  if (pending_bits > 0) text.push_back(kAlphabet[(pending << (5 - pending_bits)) & 31]);
  return text;
}

}  // namespace cloister
