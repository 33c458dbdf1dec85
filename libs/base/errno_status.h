// An errno as a Status that says what failed, on which object, and why.

#ifndef CLOISTER_LIBS_BASE_ERRNO_STATUS_H_
#define CLOISTER_LIBS_BASE_ERRNO_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister {

// The system's words for `error_number`, in lower case as they stand inside a sentence:
// "no such file or directory" (strerror(3)).
std::string ErrnoWords(int error_number);

// "<what>: <words>" under the canonical code that fits: ENOENT is NOT_FOUND, EPERM and EACCES are
// PERMISSION_DENIED, EINVAL is INVALID_ARGUMENT, and so on.
//
//   ErrnoStatus(errno, "mounts[3] '/srv/data' on '/data'")
//     NOT_FOUND: mounts[3] '/srv/data' on '/data': no such file or directory
//
// An `error_number` of 0 is a bug of the caller and gives INTERNAL: never OK.
absl::Status ErrnoStatus(int error_number, absl::string_view what);

// The error number that ErrnoStatus made `status` of, for reports that carry the number itself;
// annotations keep it. 0 if there is none.
int ErrnoOf(const absl::Status& status);

// Whether that error is a want of descriptors or of the kernel's memory: the same may succeed when
// others have given back what they hold.
bool IsShortage(const absl::Status& status);

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_ERRNO_STATUS_H_
