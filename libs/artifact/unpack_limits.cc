#include "libs/artifact/unpack_limits.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"

namespace cloister::artifact {
namespace {

std::string Words(uint64_t value) { return absl::StrCat(value); }
std::string Words(absl::Duration value) { return absl::FormatDuration(value); }

template <typename Value>
void Apply(absl::string_view option, const absl::optional<Value>& asked, Value* limit,
           std::vector<FieldViolation>* violations) {
  if (!asked) return;
  if (*asked > *limit) {
    violations->push_back(
        {absl::StrCat("options[", option, "]"),
         absl::StrCat(Words(*asked), " is more than this node allows: ", Words(*limit))});
    return;
  }
  *limit = *asked;
}

}  // namespace

absl::StatusOr<UnpackLimits> ApplyLimits(const LimitRequest& request, const UnpackLimits& ceiling) {
  UnpackLimits limits = ceiling;
  std::vector<FieldViolation> violations;
  Apply("max_bytes", request.bytes, &limits.bytes, &violations);
  Apply("max_ratio", request.ratio, &limits.ratio, &violations);
  Apply("max_files", request.files, &limits.files, &violations);
  Apply("max_depth", request.depth, &limits.depth, &violations);
  Apply("max_path_length", request.path_length, &limits.path_length, &violations);
  Apply("timeout", request.deadline, &limits.deadline, &violations);
  CLOISTER_RETURN_IF_ERROR(InvalidArgument(violations));
  return limits;
}

}  // namespace cloister::artifact
