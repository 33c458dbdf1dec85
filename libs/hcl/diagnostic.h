// What is wrong with a file: every problem at once, each with its place, shown as a compiler would.
//
//   Error: Unsupported argument
//     on web.hcl line 3, column 5:
//       3 |     comand = "/bin/true"
//         |     ^^^^^^
//   An argument named "comand" is not expected here. Did you mean "command"?
#ifndef CLOISTER_LIBS_HCL_DIAGNOSTIC_H_
#define CLOISTER_LIBS_HCL_DIAGNOSTIC_H_

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/hcl/source.h"

namespace cloister::hcl {

enum class Severity { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  // A few words without a full stop: "Unsupported argument".
  std::string summary;
  // Whole sentences: what, which, and what would be accepted. May be empty.
  std::string detail;
  // None for what is not about a place in the file, e.g. a value given on the command line.
  absl::optional<SourceRange> range;

  // "3:5: Unsupported argument: An argument ..." (no text of the source).
  friend std::ostream& operator<<(std::ostream& os, const Diagnostic& diagnostic);
};

// Collects what is found, in the order in which it is found. Keeps the first `limit`, counts the
// rest, so that a hostile file makes no endless list.
class Diagnostics {
 public:
  static constexpr size_t kDefaultLimit = 100;

  explicit Diagnostics(size_t limit = kDefaultLimit) : limit_(limit) {}

  void AddError(absl::string_view summary, absl::string_view detail,
                const absl::optional<SourceRange>& range);
  void AddWarning(absl::string_view summary, absl::string_view detail,
                  const absl::optional<SourceRange>& range);
  void Add(Diagnostic diagnostic);

  // Whether an error was added, kept or not. Warnings do not count.
  bool HasErrors() const { return errors_ > 0; }
  // How many errors were added, kept or not: what a step found is the difference.
  size_t ErrorCount() const { return errors_; }

  const std::vector<Diagnostic>& kept() const { return kept_; }
  // Whether what is added now is only counted: then its words need not be made.
  bool IsFull() const { return kept_.size() >= limit_; }
  // How many were added beyond the limit.
  size_t omitted() const { return omitted_; }

  // Sorts what is kept by its place in the file; what has none comes first.
  void SortByPosition();

 private:
  size_t limit_;
  size_t errors_ = 0;
  size_t omitted_ = 0;
  std::vector<Diagnostic> kept_;
};

// One diagnostic as above, with a final newline. Control bytes, broken UTF-8 and characters that
// change the direction of text are written as escapes, so that a file writes nothing to a terminal
// but text; tabs are aligned; long lines are clipped around the place.
std::string RenderDiagnostic(const Diagnostic& diagnostic, const Source& source);

// All that are kept, an empty line after each, and "and N more" if some were not.
std::string RenderDiagnostics(const Diagnostics& diagnostics, const Source& source);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_DIAGNOSTIC_H_
