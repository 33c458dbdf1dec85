// The part of a fetched tree that `//subdir` names.
#ifndef CLOISTER_LIBS_ARTIFACT_SUBDIRECTORY_H_
#define CLOISTER_LIBS_ARTIFACT_SUBDIRECTORY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/owned_fd.h"

namespace cloister::artifact {

struct SelectedEntry {
  // Open for reading: a directory or a regular file.
  OwnedFd fd;
  bool is_directory = true;
  // As found, from the top of the tree: without globs.
  std::string path;
};

// Finds `subdir` (ArtifactSource::subdir; empty: the tree itself) in `tree` (borrowed, nobody else
// writes to it), one component at a time, never through a link: what an archive calls "conf" may be
// a link to /etc (CVE-2025-8959). A component with * ? or [ is a glob (fnmatch(3), a leading dot is
// matched by itself only) and must match exactly one entry. NOT_FOUND and INVALID_ARGUMENT name the
// component.
absl::StatusOr<SelectedEntry> SelectSubdirectory(int tree, absl::string_view subdir);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_SUBDIRECTORY_H_
