#include "libs/hcl/unicode.h"

#include "absl/strings/ascii.h"

namespace cloister::hcl {

CodePoint FirstCodePoint(absl::string_view text) {
  if (text.empty()) return {};
  const auto byte = [text](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(text[i]));
  };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  uint32_t value = lead & (0xff >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[size] || !IsCodePoint(value)) return {};
  return {value, size};
}

absl::optional<size_t> FindInvalidUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = FirstCodePoint(text.substr(i));
    if (point.size == 0) return i;
    i += point.size;
  }
  return absl::nullopt;
}

size_t CountCodePoints(absl::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<uint8_t>(c) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

void AppendUtf8(uint32_t code_point, std::string& text) {
  const auto append = [&text](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    append(code_point);
    return;
  }
  if (code_point < 0x800) {
    append(0xc0 | code_point >> 6);
  } else if (code_point < 0x10000) {
    append(0xe0 | code_point >> 12);
    append(0x80 | (code_point >> 6 & 0x3f));
  } else {
    append(0xf0 | code_point >> 18);
    append(0x80 | (code_point >> 12 & 0x3f));
    append(0x80 | (code_point >> 6 & 0x3f));
  }
  append(0x80 | (code_point & 0x3f));
}

bool IsCodePoint(uint32_t value) { return value <= 0x10ffff && (value < 0xd800 || value > 0xdfff); }

bool IsSpace(uint32_t code_point) {
  if (code_point < 0x80) return absl::ascii_isspace(static_cast<unsigned char>(code_point));
  return code_point == 0x85 || code_point == 0xa0 || code_point == 0x1680 ||
         (code_point >= 0x2000 && code_point <= 0x200a) || code_point == 0x2028 ||
         code_point == 0x2029 || code_point == 0x202f || code_point == 0x205f ||
         code_point == 0x3000;
}

bool IsNameStart(uint32_t code_point) {
  if (code_point < 0x80) {
    return code_point == '_' || absl::ascii_isalpha(static_cast<unsigned char>(code_point));
  }
  const bool latin_signs =
      code_point < 0xc0 && code_point != 0xaa && code_point != 0xb5 && code_point != 0xba;
  const bool punctuation = (code_point >= 0x2000 && code_point <= 0x206f) ||
                           (code_point >= 0x3000 && code_point <= 0x3003) ||
                           (code_point >= 0xff00 && code_point <= 0xff0f);
  return !latin_signs && !punctuation && code_point != 0xd7 && code_point != 0xf7 &&
         code_point != 0xfffd && !IsSpace(code_point) && !IsUnsafeToShow(code_point);
}

bool IsNameContinue(uint32_t code_point) {
  return IsNameStart(code_point) || code_point == '-' || (code_point >= '0' && code_point <= '9');
}

namespace {

// Ranges of capital letters, each with its small one at a fixed distance.
struct CaseRange {
  uint32_t first;
  uint32_t last;
  uint32_t distance;
};
constexpr CaseRange kCapitals[] = {{'A', 'Z', 32},     {0xc0, 0xd6, 32},   {0xd8, 0xde, 32},
                                   {0x391, 0x3a1, 32}, {0x3a3, 0x3ab, 32}, {0x400, 0x40f, 80},
                                   {0x410, 0x42f, 32}};

}  // namespace

uint32_t ToLower(uint32_t code_point) {
  for (const CaseRange& range : kCapitals) {
    if (code_point >= range.first && code_point <= range.last) return code_point + range.distance;
  }
  return code_point;
}

uint32_t ToUpper(uint32_t code_point) {
  for (const CaseRange& range : kCapitals) {
    const uint32_t capital = code_point - range.distance;
    if (capital >= range.first && capital <= range.last) return capital;
  }
  return code_point;
}

bool IsUnsafeToShow(uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0xad ||
         code_point == 0x61c || code_point == 0x180e ||
         (code_point >= 0x200b && code_point <= 0x200f) ||
         (code_point >= 0x2028 && code_point <= 0x202e) ||
         (code_point >= 0x2060 && code_point <= 0x206f) || code_point == 0xfeff ||
         (code_point >= 0xfff9 && code_point <= 0xfffb) ||
         (code_point >= 0xe0000 && code_point <= 0xe0fff);
}

}  // namespace cloister::hcl
