// Paths and link targets as archives and trees hold them, checked as text. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_ENTRY_PATH_H_
#define CLOISTER_LIBS_ARTIFACT_ENTRY_PATH_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/artifact/unpack_limits.h"

namespace cloister::artifact {

// The components of an entry's path, without "." and empty ones and without the first `strip`;
// none: the entry is dropped. INVALID_ARGUMENT for an absolute path, "..", a NUL and a component
// over 255 bytes; RESOURCE_EXHAUSTED, naming the limit, for more depth or length than allowed
// (before stripping). A backslash is an ordinary character. Errors show the path, escaped and cut.
absl::StatusOr<std::vector<std::string>> ParseEntryPath(absl::string_view path, int strip,
                                                        const UnpackLimits& limits);

// OK if a symbolic link in a directory `depth` levels below the tree's top cannot lead out of the
// tree, whatever else is, or comes to be, in the tree: the target is relative, its ".." stand all
// at the beginning, and are no more than `depth`. ("a/../b" may leave by a link "a".)
absl::Status CheckLinkTarget(absl::string_view target, int depth);

// Fit for messages: escaped, at most 200 bytes of it.
std::string ShownPath(absl::string_view path);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_ENTRY_PATH_H_
