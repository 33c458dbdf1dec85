#include "libs/rpc/utf8_text.h"

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace cloister::rpc {
namespace {

constexpr absl::string_view kCut = "...";

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Length in bytes of the valid character that `text` (not empty) begins with; 0 if there is none.
size_t CharacterLength(absl::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                        : lead >= 0xe0 && lead <= 0xef ? 3
                        : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(static_cast<unsigned char>(text[i]))) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second > 0x9f;
  const bool beyond = lead == 0xf4 && second > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

std::string Utf8Text(absl::string_view text, size_t max_bytes) {
  std::string valid;
  size_t cut = 0;  // Where to cut so that kCut still fits.
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    valid.append(length == 0 ? "?" : std::string(text.substr(0, length)));
    text.remove_prefix(length == 0 ? 1 : length);
    if (valid.size() + kCut.size() <= max_bytes) cut = valid.size();
    if (valid.size() > max_bytes) {
      valid.resize(cut);
      valid.append(kCut.data(), kCut.size());
      return valid;
    }
  }
  return valid;
}

}  // namespace cloister::rpc
