// The little of Unicode that HCL needs: UTF-8 and classes of characters.
#ifndef CLOISTER_LIBS_HCL_UNICODE_H_
#define CLOISTER_LIBS_HCL_UNICODE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::hcl {

struct CodePoint {
  uint32_t value = 0;
  size_t size = 0;  // Bytes in UTF-8; 0 if there is none here.
};

// The first character of the text. Size 0 if the text is empty or does not begin with valid UTF-8
// (overlong forms, surrogates and what is beyond U+10FFFF are not valid).
CodePoint FirstCodePoint(absl::string_view text);

// The offset of the first byte that is not valid UTF-8; none if all is.
absl::optional<size_t> FindInvalidUtf8(absl::string_view text);

// How many code points valid UTF-8 has.
size_t CountCodePoints(absl::string_view text);

// Appends a character. It must be one: not a surrogate, at most U+10FFFF.
void AppendUtf8(uint32_t code_point, std::string& text);
bool IsCodePoint(uint32_t value);

// White space as Unicode has it.
bool IsSpace(uint32_t code_point);

// In names: a letter or '_' first, then also digits and '-'. Of what is beyond ASCII, all but white
// space, punctuation and controls is taken for a letter.
bool IsNameStart(uint32_t code_point);
bool IsNameContinue(uint32_t code_point);

// One character for one: ASCII, Latin-1, Greek and Cyrillic; others stay as they are.
uint32_t ToLower(uint32_t code_point);
uint32_t ToUpper(uint32_t code_point);

// What may not go to a terminal as it is: controls, and what hides or reorders text (bidirectional
// overrides, zero-width characters), which can make a line look like another.
bool IsUnsafeToShow(uint32_t code_point);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_UNICODE_H_
