#include "libs/files/file_path.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/lexical_path.h"
#include "libs/files/joiner_message.h"

namespace cloister::files {

void CheckPath(absl::string_view field, absl::string_view path,
               std::vector<FieldViolation>* violations) {
  if (!absl::StartsWith(path, "/")) {
    violations->push_back(
        {std::string(field), "must be absolute, as the task sees it: '/local/x'"});
  } else if (path.size() >= kMaxPathBytes) {
    violations->push_back(
        {std::string(field), absl::StrCat("must be at most ", kMaxPathBytes - 1, " bytes")});
  } else if (path.find('\0') != absl::string_view::npos) {
    violations->push_back({std::string(field), "must not contain NUL"});
  }
}

void CheckNewPath(absl::string_view field, absl::string_view path,
                  std::vector<FieldViolation>* violations) {
  const size_t before = violations->size();
  CheckPath(field, path, violations);
  if (violations->size() != before) return;
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  if (parts.back().empty() || parts.back() == ".") {
    violations->push_back({std::string(field), "must end with the file's name"});
    return;
  }
  if (std::find(parts.begin(), parts.end(), "..") != parts.end()) {
    violations->push_back({std::string(field), "must not contain '..'"});
    return;
  }
  const std::string clean = CleanPath(path);
  for (const char* own : kOwnDirectoryNames) {
    const std::string directory = absl::StrCat("/", own);
    if (clean != directory && IsBeneath(clean, directory)) return;
  }
  violations->push_back({std::string(field),
                         "must be beneath /local, /alloc, /tmp or /secrets: the rest of a task's "
                         "root is not its own"});
}

absl::string_view NameOf(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  if (path.size() == 1) return path;
  return path.substr(path.rfind('/') + 1);
}

std::string ShownPath(absl::string_view path) {
  std::string shown;
  // In pieces of whole characters, so that what is no UTF-8 is escaped and what is stays.
  size_t at = 0;
  while (at < path.size()) {
    const auto byte = static_cast<unsigned char>(path[at]);
    size_t size = byte < 0xc2 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 1;
    bool whole = byte < 0x80 || (byte >= 0xc2 && byte < 0xf5 && at + size <= path.size());
    for (size_t i = 1; whole && i < size; ++i) {
      whole = (static_cast<unsigned char>(path[at + i]) & 0xc0) == 0x80;
    }
    // Overlong, surrogates, beyond the last, and the C1 control characters.
    if (whole && size > 1) {
      const auto next = static_cast<unsigned char>(path[at + 1]);
      whole = !(byte == 0xe0 && next < 0xa0) && !(byte == 0xed && next >= 0xa0) &&
              !(byte == 0xf0 && next < 0x90) && !(byte == 0xf4 && next >= 0x90) &&
              !(byte == 0xc2 && next < 0xa0);
    }
    if (!whole) size = 1;
    const absl::string_view character = path.substr(at, size);
    absl::StrAppend(&shown,
                    whole && size > 1 ? std::string(character) : absl::CHexEscape(character));
    at += size;
  }
  return shown;
}

}  // namespace cloister::files
