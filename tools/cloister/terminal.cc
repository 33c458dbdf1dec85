#include "tools/cloister/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace cloister {
namespace {

const char* CodeOf(Color color) {
  switch (color) {
    case Color::kPlain:
      return "";
    case Color::kBold:
      return "\x1b[1m";
    case Color::kGreen:
      return "\x1b[32m";
    case Color::kYellow:
      return "\x1b[33m";
    case Color::kRed:
      return "\x1b[31m";
  }
  return "";
}

}  // namespace

std::string Terminal::Paint(Color color, absl::string_view text) const {
  if (!colors || color == Color::kPlain) return std::string(text);
  return absl::StrCat(CodeOf(color), text, "\x1b[0m");
}

Terminal DetectTerminal(int fd, const char* no_color, const char* term) {
  Terminal terminal;
  terminal.is_terminal = isatty(fd) == 1;
  if (!terminal.is_terminal) return terminal;
  const bool refused = no_color != nullptr && no_color[0] != '\0';
  terminal.colors =
      !refused && term != nullptr && term[0] != '\0' && std::strcmp(term, "dumb") != 0;
  winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) terminal.columns = size.ws_col;
  return terminal;
}

std::string Printable(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    // C1 control characters, in UTF-8: 0xC2 0x80 to 0xC2 0x9F. Some terminals obey those too.
    const bool is_c1 = byte == 0xC2 && i + 1 < text.size() &&
                       static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                       static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppendFormat(&out, "\\x%02x", byte);
    } else if (is_c1) {
      absl::StrAppendFormat(&out, "\\x%02x\\x%02x", byte, static_cast<unsigned char>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace cloister
