// Unpacks an archive that is hostile until shown otherwise, beneath a directory, by libarchive.
//
// What comes out: regular files, directories, and symbolic and hard links that cannot lead out
// (CheckLinkTarget). Refused: absolute paths and "..", links that may lead out, paths through a
// link or a file, devices, FIFOs and sockets, encrypted entries, an archive that is empty, of
// another format or compressed twice. Dropped: owners, set-id and sticky bits, extended attributes
// (also file capabilities) and ACLs. Modes are the archive's within the umask; modification times
// are kept; a later entry replaces an earlier one of its path. Every limit is kept exactly and
// named in its error (RESOURCE_EXHAUSTED; DEADLINE_EXCEEDED of the deadline).
#ifndef CLOISTER_LIBS_ARTIFACT_UNPACK_H_
#define CLOISTER_LIBS_ARTIFACT_UNPACK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "libs/artifact/archive_format.h"
#include "libs/artifact/tree_writer.h"
#include "libs/artifact/unpack_limits.h"
#include "libs/base/clock.h"

namespace cloister::artifact {

enum class LinkPolicy {
  // Links that stay inside are kept.
  kKeepInside,
  // An archive with a symbolic link is refused.
  kRefuse,
};

struct UnpackOptions {
  UnpackLimits limits;
  int strip_components = 0;
  mode_t umask = 022;
  // Of all that comes out; needs CAP_CHOWN. None: the process's own user and group.
  absl::optional<TreeOwner> owner;
  LinkPolicy links = LinkPolicy::kKeepInside;
  // Of the file that comes out of kGz, kBz2, kXz and kZst: one component. Its mode is 0666 within
  // the umask.
  std::string single_file_name;
  // An entry with a component of this name, however its case, is refused. Empty: none is.
  std::string refused_name;
  // Of the deadline; borrowed. Null: the kernel's.
  const Clock* clock = nullptr;
};

struct UnpackReport {
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t links = 0;
  // Of content, holes and second names of files counted in full.
  uint64_t bytes = 0;
  // Of the archive.
  uint64_t bytes_in = 0;
  // Entries that had set-id or sticky bits, and those that had extended attributes or ACLs.
  uint64_t dropped_bits = 0;
  uint64_t dropped_attributes = 0;
};

// Reads `archive_fd` (borrowed, a regular file) from its beginning and makes the tree in
// `output_dirfd` (borrowed, empty, nobody else writes to it). On failure what came out so far is
// left there: remove the directory. DATA_LOSS: the archive is damaged; INVALID_ARGUMENT: it holds
// what is refused. The thread's locale is C.UTF-8 meanwhile, for names.
absl::StatusOr<UnpackReport> Unpack(int archive_fd, ArchiveFormat format, int output_dirfd,
                                    const UnpackOptions& options);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_UNPACK_H_
