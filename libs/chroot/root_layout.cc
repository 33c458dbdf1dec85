#include "libs/chroot/root_layout.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/lexical_path.h"
#include "libs/base/status_macros.h"

namespace cloister::chroot {
namespace {

using node::HostPath;

constexpr absl::string_view kReserved[] = {"/alloc",   "/dev", "/local", "/proc",
                                           "/secrets", "/sys", "/tmp"};

// Of a directory that the template has of its own. What is mounted on it brings its own mode.
constexpr uint32_t kDirectoryMode = 0755;

std::string Parent(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

// What is left of `path` beneath `dir`: "" or "/a/b".
absl::string_view Rest(absl::string_view path, absl::string_view dir) {
  return dir == "/" ? path : path.substr(dir.size());
}

// A link at `from` that leads to `to`, both inside: relative, so that it holds wherever the root is
// looked at from.
std::string RelativeTarget(const std::string& from, const std::string& to) {
  const std::vector<absl::string_view> start = SplitPath(from);
  const std::vector<absl::string_view> end = SplitPath(to);
  size_t common = 0;
  while (common + 1 < start.size() && common < end.size() && start[common] == end[common]) {
    ++common;
  }
  std::vector<absl::string_view> parts(start.size() - 1 - common, "..");
  parts.insert(parts.end(), end.begin() + static_cast<ptrdiff_t>(common), end.end());
  return parts.empty() ? "." : absl::StrJoin(parts, "/");
}

template <typename... Parts>
absl::Status Refuse(const RootEntry& entry, const Parts&... why) {
  return absl::InvalidArgumentError(
      absl::StrCat("chroot entry '", entry.source.path, "' at '", entry.inside, "': ", why...));
}

absl::Status CheckEntry(const RootEntry& entry,
                        const std::vector<std::string>& private_directories) {
  const std::string& inside = entry.inside;
  if (!absl::StartsWith(inside, "/") || inside == "/" || CleanPath(inside) != inside) {
    return Refuse(entry, "not an absolute clean path below '/'");
  }
  for (absl::string_view reserved : kReserved) {
    if (IsBeneath(inside, reserved)) return Refuse(entry, "'", reserved, "' is made by us");
  }
  if (entry.source.kind == HostPath::Kind::kOther) {
    return Refuse(entry, "neither a file nor a directory");
  }
  for (const std::string& ours : private_directories) {
    if (IsBeneath(entry.source.resolved, ours) || IsBeneath(ours, entry.source.resolved)) {
      return Refuse(entry, "would show '", ours, "' to tasks");
    }
  }
  return absl::OkStatus();
}

class TemplateMaker {
 public:
  absl::Status Add(const RootEntry& entry);
  internal::RootTemplate Take(const std::vector<std::string>& masked_sys_directories);

 private:
  // The bind whose inside path is `path` or above it.
  const RootEntry* CoverOf(const std::string& path) const;
  // Where a path of the node is seen inside; "" if no bind shows it.
  std::string InsideOf(const std::string& resolved) const;
  void AddParents(const std::string& inside);

  std::map<std::string, RootEntry> binds_;
  std::map<std::string, std::string> links_;
  std::set<std::string> directories_{std::begin(kReserved), std::end(kReserved)};
};

const RootEntry* TemplateMaker::CoverOf(const std::string& path) const {
  for (const auto& [inside, entry] : binds_) {
    if (IsBeneath(path, inside)) return &entry;
  }
  return nullptr;
}

std::string TemplateMaker::InsideOf(const std::string& resolved) const {
  for (const auto& [inside, entry] : binds_) {
    if (IsBeneath(resolved, entry.source.resolved)) {
      return absl::StrCat(inside, Rest(resolved, entry.source.resolved));
    }
  }
  return "";
}

void TemplateMaker::AddParents(const std::string& inside) {
  for (std::string dir = Parent(inside); dir != "/"; dir = Parent(dir)) directories_.insert(dir);
}

absl::Status TemplateMaker::Add(const RootEntry& entry) {
  const HostPath& source = entry.source;
  if (const RootEntry* cover = CoverOf(entry.inside); cover != nullptr) {
    const absl::string_view rest = Rest(entry.inside, cover->inside);
    const bool same = source.path == absl::StrCat(cover->source.path, rest) ||
                      source.resolved == absl::StrCat(cover->source.resolved, rest);
    if (same) return absl::OkStatus();
    return Refuse(entry, "lies in the entry at '", cover->inside, "', where nothing can be made");
  }
  if (links_.count(entry.inside) > 0) return Refuse(entry, "another entry has this place");
  for (const auto& [link, target] : links_) {
    if (IsBeneath(entry.inside, link)) return Refuse(entry, "'", link, "' is a link");
  }
  // Only a link comes after what lies within it.
  for (const auto& [inside, bind] : binds_) {
    if (IsBeneath(inside, entry.inside))
      return Refuse(entry, "the entry at '", inside, "' lies in it");
  }
  AddParents(entry.inside);
  if (source.is_link) {
    const std::string target = InsideOf(source.resolved);
    if (!target.empty()) {
      links_[entry.inside] = RelativeTarget(entry.inside, target);
      return absl::OkStatus();
    }
  }
  if (source.kind == HostPath::Kind::kDirectory) directories_.insert(entry.inside);
  binds_[entry.inside] = entry;
  return absl::OkStatus();
}

internal::RootTemplate TemplateMaker::Take(const std::vector<std::string>& masked_sys_directories) {
  internal::RootTemplate root;
  for (const std::string& inside : directories_) {
    internal::RootTemplate::Directory* directory = root.add_directories();
    directory->set_inside(inside);
    directory->set_mode(kDirectoryMode);
  }
  for (const auto& [inside, target] : links_) {
    internal::RootTemplate::Link* link = root.add_links();
    link->set_inside(inside);
    link->set_target(target);
  }
  for (const auto& [inside, entry] : binds_) {
    internal::RootTemplate::Bind* bind = root.add_binds();
    // What the links lead to: what is bound does not change with them later.
    bind->set_outside(entry.source.resolved);
    bind->set_inside(inside);
    bind->set_file(entry.source.kind == HostPath::Kind::kFile);
  }
  for (const std::string& path : masked_sys_directories) root.add_masked_sys_directories(path);
  return root;
}

}  // namespace

absl::Span<const absl::string_view> ReservedDirectories() { return kReserved; }

absl::StatusOr<internal::RootTemplate> MakeRootTemplate(const RootLayout& layout) {
  std::vector<const RootEntry*> entries;
  for (const RootEntry& entry : layout.entries) {
    if (!entry.source.exists()) continue;
    CLOISTER_RETURN_IF_ERROR(CheckEntry(entry, layout.private_directories));
    entries.push_back(&entry);
  }
  // Links last: what they lead to is then known. Outer ones before those within them.
  std::stable_sort(entries.begin(), entries.end(), [](const RootEntry* a, const RootEntry* b) {
    return std::make_pair(a->source.is_link, absl::string_view(a->inside)) <
           std::make_pair(b->source.is_link, absl::string_view(b->inside));
  });
  TemplateMaker maker;
  for (const RootEntry* entry : entries) CLOISTER_RETURN_IF_ERROR(maker.Add(*entry));
  return maker.Take(layout.masked_sys_directories);
}

absl::Status AddMountPoint(const std::string& inside, internal::RootTemplate* root) {
  for (const auto& bind : root->binds()) {
    if (IsBeneath(inside, bind.inside())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "lies in '", bind.inside(), "', which is the node's: nothing can be made there"));
    }
    if (IsBeneath(bind.inside(), inside)) {
      return absl::InvalidArgumentError(absl::StrCat("would hide '", bind.inside(), "'"));
    }
  }
  for (const auto& link : root->links()) {
    if (IsBeneath(inside, link.inside())) {
      return absl::InvalidArgumentError(absl::StrCat("'", link.inside(), "' is a link to '",
                                                     link.target(), "': name the directory"));
    }
    if (IsBeneath(link.inside(), inside)) {
      return absl::InvalidArgumentError(absl::StrCat("would hide '", link.inside(), "'"));
    }
  }
  std::map<std::string, uint32_t> directories;
  for (const auto& directory : root->directories()) {
    directories[directory.inside()] = directory.mode();
  }
  for (std::string path = inside; path != "/"; path = Parent(path)) {
    directories.emplace(path, kDirectoryMode);
  }
  root->clear_directories();
  for (const auto& [path, mode] : directories) {
    internal::RootTemplate::Directory* directory = root->add_directories();
    directory->set_inside(path);
    directory->set_mode(mode);
  }
  return absl::OkStatus();
}

std::string InsideOf(const std::string& resolved, const internal::RootTemplate& root) {
  for (const auto& bind : root.binds()) {
    if (!IsBeneath(resolved, bind.outside())) continue;
    return absl::StrCat(bind.inside(), Rest(resolved, bind.outside()));
  }
  return "";
}

}  // namespace cloister::chroot
