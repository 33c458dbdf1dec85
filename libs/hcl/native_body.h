// A body of HCL's native syntax, read by a schema.
#ifndef CLOISTER_LIBS_HCL_NATIVE_BODY_H_
#define CLOISTER_LIBS_HCL_NATIVE_BODY_H_

#include <memory>

#include "libs/hcl/body_syntax.h"
#include "libs/hcl/content.h"

namespace cloister::hcl {

Body MakeNativeBody(std::shared_ptr<const BodySyntax> syntax);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_NATIVE_BODY_H_
