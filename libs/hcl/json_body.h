// A body of HCL's JSON form, read by a schema: JSON alone does not tell attributes from blocks.
//
// Source: https://github.com/hashicorp/hcl/blob/main/json/spec.md. A body is an object, or an array
// of objects that are merged; a block is an object, an array of objects for several, or null for
// none; labels are nested property names; properties named "//" are comments. As expressions,
// strings and the names of an object's properties are templates.
#ifndef CLOISTER_LIBS_HCL_JSON_BODY_H_
#define CLOISTER_LIBS_HCL_JSON_BODY_H_

#include <memory>

#include "libs/hcl/content.h"
#include "libs/hcl/json_syntax.h"

namespace cloister::hcl {

// `max_depth` is that of templates within strings.
Body MakeJsonBody(std::shared_ptr<const JsonNode> root, int max_depth);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_JSON_BODY_H_
