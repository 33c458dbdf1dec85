#include "libs/node/subordinate_ids.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace cloister::node {

std::vector<SubordinateIds> ParseSubordinateIds(absl::string_view text,
                                                const std::string& user_name, uint32_t uid) {
  std::vector<SubordinateIds> all;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ':');
    if (fields.size() != 3 || (fields[0] != user_name && fields[0] != absl::StrCat(uid))) continue;
    SubordinateIds ids;
    if (!absl::SimpleAtoi(fields[1], &ids.first) || !absl::SimpleAtoi(fields[2], &ids.count) ||
        ids.count == 0 || ids.first == 0 || ids.count > UINT32_MAX - ids.first) {
      continue;
    }
    all.push_back(ids);
  }
  return all;
}

}  // namespace cloister::node
