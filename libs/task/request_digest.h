// RequestDigest: tells a start that is repeated from another one that came with the same
// request_id.
#ifndef CLOISTER_LIBS_TASK_REQUEST_DIGEST_H_
#define CLOISTER_LIBS_TASK_REQUEST_DIGEST_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cloister/v1/task.pb.h"

namespace cloister::task {

// 32 bytes over what is asked for: the external id and the configuration, unknown fields included.
// Equal requests have equal digests in every process of one version; what a retry may change (node,
// how long it waits) is left out on purpose.
std::string RequestDigest(absl::string_view external_id, const v1::TaskConfig& config);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_REQUEST_DIGEST_H_
