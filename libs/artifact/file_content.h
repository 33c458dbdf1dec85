// Copies the content of an open file, the cheapest way that there is. For copy_tree.
#ifndef CLOISTER_LIBS_ARTIFACT_FILE_CONTENT_H_
#define CLOISTER_LIBS_ARTIFACT_FILE_CONTENT_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister::artifact {

// From the beginning of `source` into the empty `target`: as a reflink (ioctl_ficlone(2)), else by
// copy_file_range(2), else by reading and writing. Errors name `shown`.
// `check` is asked before each piece, unless it is null: its error ends the copy.
absl::Status CopyContent(int source, int target, absl::string_view shown,
                         const std::function<absl::Status()>& check);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_FILE_CONTENT_H_
