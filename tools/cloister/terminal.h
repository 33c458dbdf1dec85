// What an output of ours is: a terminal, for people, or a file or pipe, for programs. And text made
// fit for the former.
#ifndef CLOISTER_TOOLS_CLOISTER_TERMINAL_H_
#define CLOISTER_TOOLS_CLOISTER_TERMINAL_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace cloister {

enum class Color { kPlain, kBold, kGreen, kYellow, kRed };

struct Terminal {
  bool is_terminal = false;
  // Set for a terminal that is not TERM=dumb, unless NO_COLOR is set and not empty (no-color.org).
  bool colors = false;
  // Width in characters; 100 when it is no terminal.
  size_t columns = 100;

  // `text` in that colour, or plain.
  std::string Paint(Color color, absl::string_view text) const;
};

// `no_color` and `term` are the environment variables' values, null when unset.
Terminal DetectTerminal(int fd, const char* no_color, const char* term);

// `text` with each control character as \n, \t or \xNN: a task's words must not drive the terminal
// of who reads them.
std::string Printable(absl::string_view text);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_TERMINAL_H_
