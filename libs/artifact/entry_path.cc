#include "libs/artifact/entry_path.h"

#include <limits.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace cloister::artifact {

absl::StatusOr<std::vector<std::string>> ParseEntryPath(absl::string_view path, int strip,
                                                        const UnpackLimits& limits) {
  const auto invalid = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("entry '", ShownPath(path), "' ", why));
  };
  if (path.size() > limits.path_length) {
    return absl::ResourceExhaustedError(
        absl::StrCat("entry '", ShownPath(path), "': its path has ", path.size(),
                     " bytes, more than the limit path_length of ", limits.path_length));
  }
  if (path.empty()) return invalid("has no name");
  if (path[0] == '/') return invalid("has an absolute path");
  if (absl::StrContains(path, '\0')) return invalid("has a NUL in its path");
  std::vector<std::string> components;
  for (const absl::string_view component : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (component == "..") return invalid("has '..' in its path");
    if (component.size() > NAME_MAX) return invalid("has a name over 255 bytes in its path");
    if (component != ".") components.emplace_back(component);
  }
  if (components.size() > limits.depth) {
    return absl::ResourceExhaustedError(
        absl::StrCat("entry '", ShownPath(path), "' lies ", components.size(),
                     " levels deep, more than the limit depth of ", limits.depth));
  }
  const size_t dropped = std::min(components.size(), static_cast<size_t>(strip));
  components.erase(components.begin(), components.begin() + static_cast<ptrdiff_t>(dropped));
  return components;
}

absl::Status CheckLinkTarget(absl::string_view target, int depth) {
  if (target.empty()) return absl::InvalidArgumentError("the link leads to no name");
  if (target[0] == '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("the link leads to the absolute path '", ShownPath(target), "'"));
  }
  bool named = false;
  int up = 0;
  for (const absl::string_view component : absl::StrSplit(target, '/', absl::SkipEmpty())) {
    if (component == ".") continue;
    if (component != "..") {
      named = true;
      continue;
    }
    if (named) {
      return absl::InvalidArgumentError(absl::StrCat("the link's target '", ShownPath(target),
                                                     "' has '..' after a name: it may lead out"));
    }
    if (++up > depth) {
      return absl::InvalidArgumentError(
          absl::StrCat("the link leads out of the tree, to '", ShownPath(target), "'"));
    }
  }
  return absl::OkStatus();
}

std::string ShownPath(absl::string_view path) {
  return absl::StrCat(absl::CHexEscape(path.substr(0, 200)), path.size() > 200 ? "..." : "");
}

}  // namespace cloister::artifact
