// Where the services' programs are, as seen from the program that starts them.
#ifndef CLOISTER_TOOLS_CLOISTER_DEV_BINARIES_H_
#define CLOISTER_TOOLS_CLOISTER_DEV_BINARIES_H_

#include <string>

#include "absl/status/statusor.h"

namespace cloister {

struct DevBinaries {
  std::string frontend;
  std::string executor;
  std::string launcher;
  std::string fetcher;
};

// In `bin_dir` if that is not empty. Else beside `self` (the path of the running program), where
// Bazel builds them as seen from there (../../services/executor/cloister-executor), or in
// <prefix>/libexec/cloister. NOT_FOUND names what is missing and where it was looked for. All of
// them come from one place: versions are not mixed by accident.
absl::StatusOr<DevBinaries> FindDevBinaries(const std::string& bin_dir, const std::string& self);

// The running program, links resolved: /proc/self/exe.
absl::StatusOr<std::string> PathOfSelf();

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_DEV_BINARIES_H_
