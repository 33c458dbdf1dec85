// The groups that StandardFunctions() is made of.
#ifndef CLOISTER_LIBS_HCL_FUNCTION_GROUPS_H_
#define CLOISTER_LIBS_HCL_FUNCTION_GROUPS_H_

#include "absl/types/span.h"
#include "libs/hcl/functions.h"

namespace cloister::hcl {

absl::Span<const Function> NumberFunctions();
absl::Span<const Function> TextFunctions();
absl::Span<const Function> FormatFunctions();
absl::Span<const Function> RegexFunctions();
absl::Span<const Function> CollectionFunctions();
absl::Span<const Function> SetFunctions();
absl::Span<const Function> EncodingFunctions();
absl::Span<const Function> TimeFunctions();
absl::Span<const Function> TypeFunctions();

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_FUNCTION_GROUPS_H_
