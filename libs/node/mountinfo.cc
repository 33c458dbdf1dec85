#include "libs/node/mountinfo.h"

#include <algorithm>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"

namespace cloister::node {
namespace {

bool IsOctal(absl::string_view text) {
  return text.size() == 3 && text.find_first_not_of("01234567") == absl::string_view::npos;
}

// The kernel writes space, tab, newline and backslash as \ooo.
std::string Unescaped(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const absl::string_view digits = text.substr(i + 1, 3);
    if (text[i] == '\\' && IsOctal(digits)) {
      plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0');
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool HasOption(const std::vector<std::string>& options, absl::string_view option) {
  return std::find(options.begin(), options.end(), option) != options.end();
}

// ID PARENT MAJOR:MINOR ROOT MOUNT_POINT OPTIONS [TAG...] - TYPE SOURCE SUPER_OPTIONS
absl::StatusOr<MountEntry> ParseLine(absl::string_view line) {
  const absl::Status bad =
      absl::InvalidArgumentError(absl::StrCat("mountinfo: not a mount: '", line, "'"));
  const std::vector<std::string> fields = absl::StrSplit(line, ' ');
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (dash - fields.begin() < 6 || fields.end() - dash < 4) return bad;
  MountEntry mount;
  if (!absl::SimpleAtoi(fields[0], &mount.id) || !absl::SimpleAtoi(fields[1], &mount.parent)) {
    return bad;
  }
  mount.root = Unescaped(fields[3]);
  mount.mount_point = Unescaped(fields[4]);
  mount.type = *(dash + 1);
  mount.super_options = absl::StrSplit(*(dash + 3), ',');
  const std::vector<std::string> options = absl::StrSplit(fields[5], ',');
  mount.read_only = HasOption(options, "ro") || HasOption(mount.super_options, "ro");
  return mount;
}

// Paths cross from `below` into `above` before they come to `below`'s own mount point.
bool Covers(const MountEntry& above, const MountEntry& below) {
  if (above.id == below.id) return false;
  const bool on_top = above.parent == below.id && above.mount_point == below.mount_point;
  // A sibling on a directory further up: the way down to `below` leads into it.
  const bool on_the_way = above.parent == below.parent && above.mount_point != below.mount_point &&
                          IsBeneath(below.mount_point, above.mount_point);
  return on_top || on_the_way;
}

}  // namespace

absl::StatusOr<std::vector<MountEntry>> ParseMountInfo(absl::string_view text) {
  std::vector<MountEntry> mounts;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    CLOISTER_ASSIGN_OR_RETURN(MountEntry mount, ParseLine(line));
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::vector<MountEntry> ReachableMounts(const std::vector<MountEntry>& mounts) {
  // By parent: a node may have thousands of mounts, and only siblings and children can cover one.
  std::multimap<int, const MountEntry*> by_parent;
  std::map<int, const MountEntry*> by_id;
  for (const MountEntry& mount : mounts) {
    by_parent.emplace(mount.parent, &mount);
    by_id.emplace(mount.id, &mount);
  }
  // By any mount but number `except`.
  const auto covered = [&](const MountEntry& mount, int except) {
    for (int parent : {mount.id, mount.parent}) {
      const auto [first, last] = by_parent.equal_range(parent);
      for (auto it = first; it != last; ++it) {
        if (it->second->id != except && Covers(*it->second, mount)) return true;
      }
    }
    return false;
  };
  std::vector<MountEntry> reachable;
  for (const MountEntry& mount : mounts) {
    bool hidden = false;
    const MountEntry* at = &mount;
    int came_from = -1;
    // Up to the root, whose parent is not listed. The count guards against a list that is no tree.
    for (size_t steps = 0; at != nullptr && !hidden && steps <= mounts.size(); ++steps) {
      hidden = covered(*at, came_from);
      came_from = at->id;
      const auto up = by_id.find(at->parent);
      at = up == by_id.end() ? nullptr : up->second;
    }
    if (!hidden) reachable.push_back(mount);
  }
  return reachable;
}

}  // namespace cloister::node
