// Whether a directory that a task is about to get would show one of ours, by whatever name it was
// reached.
#ifndef CLOISTER_LIBS_LAUNCH_FORBIDDEN_DIRECTORIES_H_
#define CLOISTER_LIBS_LAUNCH_FORBIDDEN_DIRECTORIES_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/repeated_field.h"

namespace cloister {
namespace launch {

// OK if `directory` neither is, contains nor lies in one of `forbidden`, and neither does anything
// that is mounted beneath it: told by where they are in their file systems, so a bind mount under
// another name does not hide it. What of `forbidden` is not there cannot be shown. EACCES with a
// sentence otherwise. `path` is where `directory` was opened, without a link on the way.
absl::Status CheckForbidden(int directory, const std::string& path,
                            const google::protobuf::RepeatedPtrField<std::string>& forbidden);

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_FORBIDDEN_DIRECTORIES_H_
