// The ranges of ids that a user may map into a user namespace: /etc/subuid and /etc/subgid
// (subuid(5)). Pure.
#ifndef CLOISTER_LIBS_NODE_SUBORDINATE_IDS_H_
#define CLOISTER_LIBS_NODE_SUBORDINATE_IDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cloister::node {

struct SubordinateIds {
  uint32_t first = 0;
  uint32_t count = 0;
};

// Those of the user in the text of one of the files, in its order. Lines name the user or give the
// uid, also those of /etc/subgid. What is no line of theirs is left out, as newuidmap(1) does.
std::vector<SubordinateIds> ParseSubordinateIds(absl::string_view text,
                                                const std::string& user_name, uint32_t uid);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_SUBORDINATE_IDS_H_
