// Lists of user and group ids, as denied_host_uids and denied_host_gids give them.
#ifndef CLOISTER_LIBS_NODE_ID_RANGES_H_
#define CLOISTER_LIBS_NODE_ID_RANGES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/node/node_policy.h"

namespace cloister::node {

// "0,5-10": numbers and ranges of 32 bits, both ends included, without spaces; nothing for empty
// text. INVALID_ARGUMENT in the exec driver's words, that call the list `field`.
absl::StatusOr<std::vector<IdRange>> ParseIdRanges(absl::string_view field, absl::string_view text);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_ID_RANGES_H_
