#include "libs/hcl/suggestion.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace cloister::hcl {
namespace {

constexpr size_t kLongestName = 64;
constexpr size_t kMostCandidates = 1000;

// Levenshtein's: insertions, removals and replacements; case does not matter.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced =
          diagonal + (absl::ascii_tolower(a[i]) == absl::ascii_tolower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string DidYouMean(absl::string_view written, const std::vector<absl::string_view>& candidates,
                       const Diagnostics& diagnostics) {
  if (diagnostics.IsFull()) return "";
  if (written.size() > kLongestName || candidates.size() > kMostCandidates) return "";
  // A third of the characters may be wrong.
  size_t nearest = std::max<size_t>(1, written.size() / 3) + 1;
  absl::string_view suggestion;
  for (const absl::string_view candidate : candidates) {
    if (candidate.size() > kLongestName) continue;
    const size_t distance = Distance(written, candidate);
    if (distance < nearest) {
      nearest = distance;
      suggestion = candidate;
    }
  }
  return suggestion.empty() ? "" : absl::StrCat(" Did you mean \"", suggestion, "\"?");
}

}  // namespace cloister::hcl
