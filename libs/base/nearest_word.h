// NearestWord: what somebody may have meant who wrote a name that does not exist.
#ifndef CLOISTER_LIBS_BASE_NEAREST_WORD_H_
#define CLOISTER_LIBS_BASE_NEAREST_WORD_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cloister {

// The candidate that is fewest edits away, the first of equals; empty when none is near: at most a
// third of the letters may differ, two at least. Candidates are names of ours; `word` is a
// stranger's, and longer than 64 bytes it is near nothing.
std::string NearestWord(absl::string_view word, const std::vector<absl::string_view>& candidates);

// " (did you mean 'word'?)" of the same, or nothing.
std::string DidYouMean(absl::string_view word, const std::vector<absl::string_view>& candidates);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_NEAREST_WORD_H_
