#include "libs/node/id_ranges.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace cloister::node {
namespace {

bool ParseId(absl::string_view text, uint32_t* id) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); }) &&
         absl::SimpleAtoi(text, id);
}

}  // namespace

absl::StatusOr<std::vector<IdRange>> ParseIdRanges(absl::string_view field,
                                                   absl::string_view text) {
  std::vector<IdRange> ranges;
  if (text.empty()) return ranges;
  for (absl::string_view item : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> bounds = absl::StrSplit(item, '-');
    IdRange range;
    const auto wrong = [&](absl::string_view why) {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid range ", field, " \"", absl::CHexEscape(item), "\": ", why));
    };
    if (bounds.size() > 2 || !ParseId(bounds.front(), &range.first) ||
        !ParseId(bounds.back(), &range.last)) {
      return wrong("range bound not valid");
    }
    if (range.first > range.last) return wrong("lower bound cannot be greater than upper bound");
    ranges.push_back(range);
  }
  return ranges;
}

}  // namespace cloister::node
