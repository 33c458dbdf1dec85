#include "libs/hcl/diagnostic.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

// Of a source line, around the place.
constexpr int kShownBefore = 60;
constexpr int kShownColumns = 120;
constexpr int kTabWidth = 4;
// Of a diagnostic's own sentences, and of a file's name, which can hold what a hostile file says.
constexpr size_t kShownDetailBytes = 4096;

// A character as it may be shown, with its width in columns.
std::string Shown(absl::string_view& text, int column) {
  const CodePoint point = FirstCodePoint(text);
  std::string shown;
  if (point.size == 0) {
    shown = absl::StrFormat("\\x%02x", static_cast<uint8_t>(text.front()));
  } else if (point.value == '\t') {
    shown = std::string(kTabWidth - column % kTabWidth, ' ');
  } else if (point.value < 0x20 || point.value == 0x7f) {
    shown = absl::StrFormat("\\x%02x", point.value);
  } else if (IsUnsafeToShow(point.value)) {
    shown = absl::StrFormat("\\u{%x}", point.value);
  } else {
    shown = std::string(text.substr(0, point.size));
  }
  text.remove_prefix(std::max<size_t>(point.size, 1));
  return shown;
}

std::string ShownText(absl::string_view text) {
  const bool clipped = text.size() > kShownDetailBytes;
  text = text.substr(0, kShownDetailBytes);
  std::string result;
  while (!text.empty()) {
    // Only our own sentences have line ends on purpose, and those indent what follows.
    result += Shown(text, 0);
  }
  if (clipped) result += " ...";
  return result;
}

// The source line and the carets beneath it, clipped.
struct Excerpt {
  std::string line;
  std::string carets;
};

Excerpt MakeExcerpt(absl::string_view line, int first_column, int last_column) {
  Excerpt excerpt;
  const int from = std::max(1, first_column - kShownBefore);
  int width = 0;
  if (from > 1) {
    excerpt.line = "...";
    width = 3;
    excerpt.carets = "   ";
  }
  int column = 1;
  for (; !line.empty() && width < kShownColumns; ++column) {
    const std::string shown = Shown(line, width);
    if (column < from) continue;
    const int columns = static_cast<int>(CountCodePoints(shown));
    const bool marked = column >= first_column && column < last_column;
    excerpt.line += shown;
    excerpt.carets += std::string(columns, marked ? '^' : ' ');
    width += columns;
  }
  if (!line.empty()) excerpt.line += "...";
  // A place without width, or at the end of the line, is one caret.
  if (excerpt.carets.find('^') == std::string::npos) {
    if (column <= first_column) {
      excerpt.carets += '^';
    } else {
      const size_t at = (from > 1 ? 3 : 0) + first_column - from;
      if (at < excerpt.carets.size()) excerpt.carets[at] = '^';
    }
  }
  excerpt.carets.erase(excerpt.carets.find_last_of('^') + 1);
  return excerpt;
}

void AppendPlace(const SourceRange& range, const Source& source, std::string& out) {
  absl::StrAppend(&out, "  on ", ShownText(source.name()), " line ", range.start.line, ", column ",
                  range.start.column, ":\n");
  const absl::string_view line = source.Line(range.start.line);
  // What goes on beyond the line is marked up to its end.
  int last_column = range.end.line == range.start.line
                        ? range.end.column
                        : static_cast<int>(CountCodePoints(line)) + 1;
  last_column = std::max(last_column, range.start.column);
  const Excerpt excerpt = MakeExcerpt(line, range.start.column, last_column);
  const std::string number = absl::StrCat(range.start.line);
  absl::StrAppend(&out, "    ", number, " | ", excerpt.line, "\n");
  absl::StrAppend(&out, "    ", std::string(number.size(), ' '), " | ", excerpt.carets, "\n");
}

}  // namespace

std::ostream& operator<<(std::ostream& os, const Diagnostic& diagnostic) {
  if (diagnostic.range) {
    os << diagnostic.range->start.line << ":" << diagnostic.range->start.column << ": ";
  }
  if (diagnostic.severity == Severity::kWarning) os << "warning: ";
  os << diagnostic.summary;
  if (!diagnostic.detail.empty()) os << ": " << diagnostic.detail;
  return os;
}

void Diagnostics::AddError(absl::string_view summary, absl::string_view detail,
                           const absl::optional<SourceRange>& range) {
  Add({Severity::kError, std::string(summary), std::string(detail), range});
}

void Diagnostics::AddWarning(absl::string_view summary, absl::string_view detail,
                             const absl::optional<SourceRange>& range) {
  Add({Severity::kWarning, std::string(summary), std::string(detail), range});
}

void Diagnostics::Add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::kError) ++errors_;
  if (IsFull()) {
    ++omitted_;
    return;
  }
  kept_.push_back(std::move(diagnostic));
}

void Diagnostics::SortByPosition() {
  std::stable_sort(kept_.begin(), kept_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    if (!a.range || !b.range) return !a.range && b.range;
    return a.range->start.byte < b.range->start.byte;
  });
}

std::string RenderDiagnostic(const Diagnostic& diagnostic, const Source& source) {
  std::string out = diagnostic.severity == Severity::kError ? "Error: " : "Warning: ";
  absl::StrAppend(&out, ShownText(diagnostic.summary), "\n");
  if (diagnostic.range) AppendPlace(*diagnostic.range, source, out);
  if (!diagnostic.detail.empty()) absl::StrAppend(&out, "  ", ShownText(diagnostic.detail), "\n");
  return out;
}

std::string RenderDiagnostics(const Diagnostics& diagnostics, const Source& source) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics.kept()) {
    absl::StrAppend(&out, RenderDiagnostic(diagnostic, source), "\n");
  }
  if (diagnostics.omitted() > 0) {
    absl::StrAppend(&out, "... and ", diagnostics.omitted(), " more.\n");
  }
  return out;
}

}  // namespace cloister::hcl
