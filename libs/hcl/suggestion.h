// "Did you mean ...?"
#ifndef CLOISTER_LIBS_HCL_SUGGESTION_H_
#define CLOISTER_LIBS_HCL_SUGGESTION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/hcl/diagnostic.h"

namespace cloister::hcl {

// " Did you mean \"command\"?" for the candidate that is nearest to what was written, or "" if none
// is near. Long names have no suggestion: the comparison takes the product of their lengths. Nor is
// there one if `diagnostics`, for which it is meant, will not keep it.
std::string DidYouMean(absl::string_view written, const std::vector<absl::string_view>& candidates,
                       const Diagnostics& diagnostics);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_SUGGESTION_H_
