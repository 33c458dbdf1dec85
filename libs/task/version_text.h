// Version numbers in text, compared as the `version` and `semver` operators of a constraint do.
#ifndef CLOISTER_LIBS_TASK_VERSION_TEXT_H_
#define CLOISTER_LIBS_TASK_VERSION_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::task {

// "v1.2.3-rc.1+build": numbers, and behind the first '-' what makes it earlier than them. What is
// behind a '+' is left out.
struct Version {
  std::vector<uint64_t> numbers;
  std::string prerelease;
};

// None for what is no version.
absl::optional<Version> ParseVersion(absl::string_view text);

// Negative, 0 or positive. Missing numbers are 0; a pre-release is earlier than its release;
// pre-releases are compared as semver.org's rule 11 says.
int CompareVersions(const Version& a, const Version& b);

enum class VersionRule {
  // A pre-release satisfies an order only where the bound is a pre-release of the same numbers;
  // "~> 1.2.3" is at least 1.2.3 and below 1.3.
  kVersion,
  // Order alone; no "~>".
  kSemver,
};

// Whether the version satisfies every one of the bounds, comma-separated: ">= 1.2, < 2". Operators
// are =, !=, <, <=, >, >=, ~> and none, which is =. INVALID_ARGUMENT for bounds that are none.
absl::StatusOr<bool> SatisfiesVersions(const Version& version, absl::string_view bounds,
                                       VersionRule rule);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_VERSION_TEXT_H_
