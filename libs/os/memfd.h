// Memory as a file: sealed, so that neither a task nor we can change it after it was made. Programs
// of ours that run near a task are executed from one (CVE-2019-5736). Source: memfd_create(2),
// fcntl(2) F_ADD_SEALS.
#ifndef CLOISTER_LIBS_OS_MEMFD_H_
#define CLOISTER_LIBS_OS_MEMFD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/owned_fd.h"

namespace cloister {

// `mode` 0111 makes an executable that nobody can read: a process that runs it as an ordinary user
// is not dumpable.
absl::StatusOr<OwnedFd> MakeSealedMemfd(const char* name, absl::string_view contents,
                                        unsigned mode);

// The contents of a memfd that a peer sent. FAILED_PRECONDITION unless it is sealed against change;
// OUT_OF_RANGE over `max_bytes`.
absl::StatusOr<std::string> ReadSealedMemfd(int fd, size_t max_bytes);

}  // namespace cloister

#endif  // CLOISTER_LIBS_OS_MEMFD_H_
