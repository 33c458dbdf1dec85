// Reading a body by a schema: the same for HCL's native syntax and for its JSON form.
//
//   const BodySchema schema = {{{"driver", /*required=*/true}}, {{"config", {}}, {"volume",
//   {"name"}}}}; BodyContent content = body.Content(schema, diagnostics); if (const Attribute*
//   driver = content.Find("driver")) ... for (const Block* volume : content.BlocksOfType("volume"))
//   ... volume->labels[0] ...
//
// Everything that the schema does not name is diagnosed, with a suggestion, and so is what is
// required and missing. What is wrong is left out of the content; the rest is there.
#ifndef CLOISTER_LIBS_HCL_CONTENT_H_
#define CLOISTER_LIBS_HCL_CONTENT_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/source.h"

namespace cloister::hcl {

struct Expression;  // Evaluated by evaluation.h.
class BodySource;
struct BodyContent;

struct AttributeSchema {
  std::string name;
  bool required = false;
};

struct BlockSchema {
  std::string type;
  // One for each label that the block must have; the names are for messages and documentation.
  std::vector<std::string> label_names;
};

struct BodySchema {
  std::vector<AttributeSchema> attributes;
  std::vector<BlockSchema> blocks;
};

// `name = expression`
struct Attribute {
  std::string name;
  std::shared_ptr<const Expression> expression;  // Never null.
  SourceRange name_range;
  SourceRange range;  // The whole of it.

  // Where the expression stands.
  SourceRange ExpressionRange() const;
  // Where the elements of a list stand that is written out (`["a", b]`); none if it is not.
  std::vector<SourceRange> ElementRanges() const;
};

using AttributeMap = std::map<std::string, Attribute, std::less<>>;

// What stands between two braces, or a whole file. A cheap handle; keeps its syntax tree alive.
class Body {
 public:
  Body();  // Empty.
  explicit Body(std::shared_ptr<const BodySource> source) : source_(std::move(source)) {}

  // Everything; what the schema does not name is an error.
  BodyContent Content(const BodySchema& schema, Diagnostics& diagnostics) const;

  // What the schema names; `rest` is the body of what it does not name. `rest` may be `this`.
  BodyContent PartialContent(const BodySchema& schema, Diagnostics& diagnostics, Body* rest) const;

  // For bodies whose names are the user's: env, meta, options. Blocks are errors.
  AttributeMap JustAttributes(Diagnostics& diagnostics) const;

  // Where a missing item would have to be: the head of the block, or the start of the file.
  SourceRange MissingItemRange() const;

  const std::shared_ptr<const BodySource>& source() const { return source_; }

 private:
  std::shared_ptr<const BodySource> source_;
};

// `type "label" ... { body }`
struct Block {
  std::string type;
  std::vector<std::string> labels;  // As many as the schema has label_names.
  Body body;
  SourceRange type_range;
  std::vector<SourceRange> label_ranges;
  SourceRange head_range;  // Type and labels.
};

struct BodyContent {
  AttributeMap attributes;
  std::vector<Block> blocks;  // In the order of the file.
  SourceRange missing_item_range;

  // Null if the attribute is not set. Valid as long as this content.
  const Attribute* Find(absl::string_view name) const;
  std::vector<const Block*> BlocksOfType(absl::string_view type) const;
  // The only block of its type, or null; each further one is diagnosed as a duplicate.
  const Block* AtMostOne(absl::string_view type, Diagnostics& diagnostics) const;
};

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_CONTENT_H_
