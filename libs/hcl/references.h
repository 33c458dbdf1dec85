// Which attributes of a root name an expression refers to: `local.a` and `local["b"]` of `local`.
#ifndef CLOISTER_LIBS_HCL_REFERENCES_H_
#define CLOISTER_LIBS_HCL_REFERENCES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/hcl/source.h"
#include "libs/hcl/syntax.h"

namespace cloister::hcl {

struct References {
  std::set<std::string> names;
  // Where the root stands without the name of an attribute behind it.
  std::vector<SourceRange> whole;
};

References FindReferences(absl::string_view root, const Expression& expression);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_REFERENCES_H_
