// What a task's root is made of: from what the node has to the read-only template that all its
// tasks share.
//
// Pure, without I/O: what was found on the node is passed in (HostPath), what is to be made comes
// out (RootTemplate, carried out by the launcher). Same input, same template, byte for byte.
// //examples:chroot_example shows it.
#ifndef CLOISTER_LIBS_CHROOT_ROOT_LAYOUT_H_
#define CLOISTER_LIBS_CHROOT_ROOT_LAYOUT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cloister/internal/plan.pb.h"
#include "libs/node/host_path.h"

namespace cloister::chroot {

// A file or directory of the node that tasks see, and where. `inside` is absolute and clean.
struct RootEntry {
  node::HostPath source;
  std::string inside;
};

struct RootLayout {
  std::vector<RootEntry> entries;
  // Directories beneath /sys that are hidden.
  std::vector<std::string> masked_sys_directories;
  // Directories of ours on the node, links followed: no entry may be, contain or lie in one.
  std::vector<std::string> private_directories;
};

// Directories that every root has and that no entry may take: /alloc /dev /local /proc /secrets
// /sys /tmp. Mount points, or empty and read-only.
absl::Span<const absl::string_view> ReservedDirectories();

// - An entry that the node lacks is left out.
// - An entry that is a link on the node (/bin -> usr/bin) is a link inside as well, where what it
// leads to is part of another
//   entry; else what it leads to is bound in its place.
// - An entry within another is left out if it is the same file anyway, and refused otherwise: its
// mount point would have to be
//   made in a directory of the node.
// - Directories come with their parents, parents first; links and binds are sorted by path.
// INVALID_ARGUMENT names the entry and what is wrong with it.
absl::StatusOr<internal::RootTemplate> MakeRootTemplate(const RootLayout& layout);

// Adds a directory that something of a task's own will be mounted on, with its parents.
// INVALID_ARGUMENT, a sentence without the path, where the root has no room for it: within what the
// node has there, on a link, or over a part of the root, which it would hide. `inside` is absolute,
// clean, and none of ReservedDirectories or in one.
absl::Status AddMountPoint(const std::string& inside, internal::RootTemplate* root);

// Where a path of the node, with no link on the way, is seen inside; empty if the root shows it
// nowhere.
std::string InsideOf(const std::string& resolved, const internal::RootTemplate& root);

}  // namespace cloister::chroot

#endif  // CLOISTER_LIBS_CHROOT_ROOT_LAYOUT_H_
