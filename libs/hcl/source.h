// The text of a file and places in it.
#ifndef CLOISTER_LIBS_HCL_SOURCE_H_
#define CLOISTER_LIBS_HCL_SOURCE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace cloister::hcl {

// Between two characters. Lines and columns count from 1, columns in Unicode code points; `byte`
// counts from 0.
struct SourcePosition {
  size_t byte = 0;
  int line = 1;
  int column = 1;

  friend bool operator==(const SourcePosition& a, const SourcePosition& b) {
    return a.byte == b.byte && a.line == b.line && a.column == b.column;
  }
};

// From `start` up to, not including, `end`.
struct SourceRange {
  SourcePosition start;
  SourcePosition end;

  // The smallest range that holds both; `a` comes first.
  static SourceRange Between(const SourceRange& a, const SourceRange& b) {
    return {a.start, b.end};
  }

  friend bool operator==(const SourceRange& a, const SourceRange& b) {
    return a.start == b.start && a.end == b.end;
  }
};

// A named text that knows its lines.
class Source {
 public:
  // `name` is shown to people: the path as it was given, or "<stdin>".
  Source(std::string name, std::string bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {
    for (size_t i = 0; i < bytes_.size(); ++i) {
      if (bytes_[i] == '\n') line_starts_.push_back(i + 1);
    }
  }

  const std::string& name() const { return name_; }
  absl::string_view bytes() const { return bytes_; }

  // The text of a line, counted from 1, without its end of line. Empty if there is no such line.
  absl::string_view Line(int line) const {
    if (line < 1 || static_cast<size_t>(line) > line_starts_.size()) return {};
    absl::string_view text = bytes().substr(line_starts_[line - 1]);
    text = text.substr(0, text.find('\n'));
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    return text;
  }

  // The text that a range covers.
  absl::string_view Text(const SourceRange& range) const {
    if (range.start.byte > bytes_.size() || range.end.byte < range.start.byte) return {};
    return bytes().substr(range.start.byte, range.end.byte - range.start.byte);
  }

 private:
  std::string name_;
  std::string bytes_;
  std::vector<size_t> line_starts_ = {0};
};

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_SOURCE_H_
