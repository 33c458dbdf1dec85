// `dynamic` blocks: one block for each element of a collection.
//
//   dynamic "volume" {
//     for_each = ["a", "b"]
//     iterator = each           // The default is the block's type, here "volume".
//     labels   = [each.value]   // For blocks that have labels.
//     content {
//       source = "/srv/${each.value}"
//     }
//   }
//
// In the content, the iterator is an object of `key` (the index, or the key of an object) and
// `value`.
#ifndef CLOISTER_LIBS_HCL_DYNAMIC_BLOCKS_H_
#define CLOISTER_LIBS_HCL_DYNAMIC_BLOCKS_H_

#include "libs/hcl/content.h"
#include "libs/hcl/evaluation.h"

namespace cloister::hcl {

// A body that reads as if the blocks stood there instead of each `dynamic` block, in all depths.
// The collections are evaluated in `scope`, which must outlive the body and all that is read of it,
// each time that it is read.
Body ExpandDynamicBlocks(const Body& body, const EvaluationScope& scope);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_DYNAMIC_BLOCKS_H_
