// A directory of the node itself as a source (file_source.h): copied by who may read it, as there
// is nothing of it to parse; what comes out is what an archive of it would bring.
#ifndef CLOISTER_LIBS_ARTIFACT_DIRECTORY_SOURCE_H_
#define CLOISTER_LIBS_ARTIFACT_DIRECTORY_SOURCE_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/artifact/fetch.h"

namespace cloister::artifact {

// Copies `source` (borrowed, open for reading), or the part that request.source.subdir names, to
// `content` in `output_dirfd` (borrowed). No link is followed; the limits of request.unpack and of
// the source hold. `check` is asked before each entry and each piece of a
// large file, and ends the copy with its error: time and cancellation are the caller's.
//
// The report has no sha256, but `tree`, the digest of what was copied. INVALID_ARGUMENT for what a
// directory cannot be asked for: checksum, archive, strip_components, mode kFile unless the part is
// a file; for special files and for links that may lead out of what is copied (CheckLinkTarget).
// RESOURCE_EXHAUSTED names the limit. What came so far stays: remove it.
absl::StatusOr<FetchReport> CopyDirectorySource(const FetchRequest& request, int source,
                                                int output_dirfd,
                                                const std::function<absl::Status()>& check);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_DIRECTORY_SOURCE_H_
