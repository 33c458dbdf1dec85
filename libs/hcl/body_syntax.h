// The syntax tree of a body in HCL's native syntax.
#ifndef CLOISTER_LIBS_HCL_BODY_SYNTAX_H_
#define CLOISTER_LIBS_HCL_BODY_SYNTAX_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/hcl/source.h"
#include "libs/hcl/syntax.h"

namespace cloister::hcl {

struct BodySyntax;

struct AttributeSyntax {
  std::string name;
  SourceRange name_range;
  SourceRange range;
  ExpressionPointer expression;
};

struct BlockSyntax {
  std::string type;
  SourceRange type_range;
  std::vector<std::string> labels;
  std::vector<SourceRange> label_ranges;
  std::shared_ptr<const BodySyntax> body;
  SourceRange head_range;
};

// Attributes of one name are there once only; the parser has diagnosed the others.
struct BodySyntax {
  std::vector<AttributeSyntax> attributes;
  std::vector<BlockSyntax> blocks;
  // Names of attributes whose expression could not be read.
  std::set<std::string, std::less<>> broken_attributes;
  SourceRange missing_item_range;
};

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_BODY_SYNTAX_H_
