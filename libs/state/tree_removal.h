// Removes a tree that a hostile task has built.
//
// No file in it is opened and no link followed; directories are opened one component at a time and
// never across a mount (openat2(2), RESOLVE_NO_XDEV). At most kMaxOpenLevels directories are open
// at once: what lies deeper is first moved up to the top, so a tree of 100 000 levels costs no more
// memory than a flat one.
#ifndef CLOISTER_LIBS_STATE_TREE_REMOVAL_H_
#define CLOISTER_LIBS_STATE_TREE_REMOVAL_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::state {

constexpr int kMaxOpenLevels = 16;

enum class Removal {
  kDone,
  // There is more than the slice held; what is gone is gone.
  kUnfinished,
};

// Removes all that is in `directory` (borrowed; O_PATH will do), except the entry `kept` unless
// that is empty. Nobody else may write to `directory` itself, its tenants are dead. As much as
// possible is removed; the error is the first failure, with its path as it is now after `shown`.
absl::Status RemoveContents(int directory, absl::string_view shown, absl::string_view kept);

// The same, but stops when about `entries` are removed: for a tree that must not hold up others.
absl::StatusOr<Removal> RemoveSlice(int directory, absl::string_view shown, absl::string_view kept,
                                    size_t entries);

}  // namespace cloister::state

#endif  // CLOISTER_LIBS_STATE_TREE_REMOVAL_H_
