// Paths as text. Nothing here looks at a file system: symbolic links are not followed, so none of
// this proves where an open(2) would end. It is for plans, for messages and for refusing early;
// what touches files uses directory fds and openat2(2) with RESOLVE_BENEATH.

#ifndef CLOISTER_LIBS_BASE_LEXICAL_PATH_H_
#define CLOISTER_LIBS_BASE_LEXICAL_PATH_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cloister {

// The shortest path with the same lexical meaning: no "." and no empty component, no trailing
// slash, ".." taken back where it can be. "/.." is "/"; a relative path keeps the ".." that lead
// out of it; the empty path is ".".
std::string CleanPath(absl::string_view path);

// The components of CleanPath(path), without the root: "/a//b/../c/" gives {"a", "c"}; "/" and "."
// give {}. They point into `path`.
std::vector<absl::string_view> SplitPath(absl::string_view path);

// `rest` as seen from `dir`, as a clean path. The result never leaves `dir`: a leading slash of
// `rest` means `dir` itself, and its ".." stop there, as in a root directory.
// JoinPath("/srv", "../../etc/x") is "/srv/etc/x".
std::string JoinPath(absl::string_view dir, absl::string_view rest);

// True if `path` is `dir` or lies under it: "/a/b" is beneath "/a", "/ab" is not. Both are absolute
// or both relative, else false; a relative path that leads out ("..") is beneath nothing.
bool IsBeneath(absl::string_view path, absl::string_view dir);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_LEXICAL_PATH_H_
