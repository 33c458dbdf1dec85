// Where a Body's content comes from: one for each syntax.
#ifndef CLOISTER_LIBS_HCL_BODY_SOURCE_H_
#define CLOISTER_LIBS_HCL_BODY_SOURCE_H_

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/source.h"

namespace cloister::hcl {

class BodySource {
 public:
  virtual ~BodySource() = default;

  // See Body. `rest` is null for Content(): then what the schema does not name is an error.
  virtual BodyContent Read(const BodySchema& schema, Diagnostics& diagnostics,
                           Body* rest) const = 0;
  virtual AttributeMap JustAttributes(Diagnostics& diagnostics) const = 0;
  virtual SourceRange MissingItemRange() const = 0;
};

// Names that earlier reads of a body have taken.
struct TakenNames {
  std::set<std::string, std::less<>> attributes;
  std::set<std::string, std::less<>> blocks;

  void Add(const BodySchema& schema) {
    for (const AttributeSchema& attribute : schema.attributes) attributes.insert(attribute.name);
    for (const BlockSchema& block : schema.blocks) blocks.insert(block.type);
  }
};

// Null if the schema does not have it.
const AttributeSchema* FindAttribute(const BodySchema& schema, absl::string_view name);
const BlockSchema* FindBlock(const BodySchema& schema, absl::string_view type);

using NameSet = std::set<std::string, std::less<>>;

// Diagnoses required attributes that the content lacks, but for those that are there and broken:
// what is wrong with them was said.
void CheckRequired(const BodySchema& schema, const BodyContent& content, const NameSet& broken,
                   Diagnostics& diagnostics);

// " Did you mean ...?" among the schema's attributes and blocks.
std::string SuggestName(const BodySchema& schema, absl::string_view name,
                        const Diagnostics& diagnostics);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_BODY_SOURCE_H_
