// Removes a tree that a hostile task has built.
//
// No file in it is opened and no link followed; directories are opened one component at a time and
// never across a mount (openat2(2), RESOLVE_NO_XDEV). At most kMaxOpenLevels directories are open
// at once: what lies deeper is first moved up to the top, so a tree of 100 000 levels costs no more
// memory than a flat one.
#ifndef CLOISTER_LIBS_STATE_TREE_REMOVAL_H_
#define CLOISTER_LIBS_STATE_TREE_REMOVAL_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister::state {

constexpr int kMaxOpenLevels = 16;

// Removes all that is in `directory` (borrowed; O_PATH will do), except the entry `kept` unless
// that is empty. Nobody else may write to `directory` itself, its tenants are dead. As much as
// possible is removed; the error is the first failure, with its path as it is now after `shown`.
absl::Status RemoveContents(int directory, absl::string_view shown, absl::string_view kept);

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_TREE_REMOVAL_H_
