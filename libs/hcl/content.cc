#include "libs/hcl/content.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "libs/hcl/body_source.h"
#include "libs/hcl/suggestion.h"
#include "libs/hcl/syntax.h"

namespace cloister::hcl {
namespace {

class EmptyBody : public BodySource {
 public:
  BodyContent Read(const BodySchema& schema, Diagnostics& diagnostics, Body* rest) const override {
    BodyContent content;
    CheckRequired(schema, content, {}, diagnostics);
    if (rest != nullptr) *rest = Body();
    return content;
  }
  AttributeMap JustAttributes(Diagnostics&) const override { return {}; }
  SourceRange MissingItemRange() const override { return {}; }
};

}  // namespace

SourceRange Attribute::ExpressionRange() const { return expression->range; }

std::vector<SourceRange> Attribute::ElementRanges() const {
  std::vector<SourceRange> ranges;
  const auto* tuple = absl::get_if<TupleExpression>(&expression->node);
  if (tuple == nullptr) return ranges;
  for (const ExpressionPointer& element : tuple->elements) ranges.push_back(element->range);
  return ranges;
}

Body::Body() : source_(std::make_shared<EmptyBody>()) {}

BodyContent Body::Content(const BodySchema& schema, Diagnostics& diagnostics) const {
  return source_->Read(schema, diagnostics, nullptr);
}

BodyContent Body::PartialContent(const BodySchema& schema, Diagnostics& diagnostics,
                                 Body* rest) const {
  // `rest` may hold the only reference to what is being read.
  const std::shared_ptr<const BodySource> source = source_;
  return source->Read(schema, diagnostics, rest);
}

AttributeMap Body::JustAttributes(Diagnostics& diagnostics) const {
  return source_->JustAttributes(diagnostics);
}

SourceRange Body::MissingItemRange() const { return source_->MissingItemRange(); }

const Attribute* BodyContent::Find(absl::string_view name) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? nullptr : &found->second;
}

std::vector<const Block*> BodyContent::BlocksOfType(absl::string_view type) const {
  std::vector<const Block*> found;
  for (const Block& block : blocks) {
    if (block.type == type) found.push_back(&block);
  }
  return found;
}

const Block* BodyContent::AtMostOne(absl::string_view type, Diagnostics& diagnostics) const {
  const std::vector<const Block*> found = BlocksOfType(type);
  for (size_t i = 1; i < found.size(); ++i) {
    diagnostics.AddError(
        absl::StrCat("Duplicate ", type, " block"),
        absl::StrCat("There may be one ", type, " block here; the first one is on line ",
                     found[0]->type_range.start.line, "."),
        found[i]->head_range);
  }
  return found.empty() ? nullptr : found[0];
}

const AttributeSchema* FindAttribute(const BodySchema& schema, absl::string_view name) {
  const auto found =
      std::find_if(schema.attributes.begin(), schema.attributes.end(),
                   [&](const AttributeSchema& attribute) { return attribute.name == name; });
  return found == schema.attributes.end() ? nullptr : &*found;
}

const BlockSchema* FindBlock(const BodySchema& schema, absl::string_view type) {
  const auto found = std::find_if(schema.blocks.begin(), schema.blocks.end(),
                                  [&](const BlockSchema& block) { return block.type == type; });
  return found == schema.blocks.end() ? nullptr : &*found;
}

void CheckRequired(const BodySchema& schema, const BodyContent& content, const NameSet& broken,
                   Diagnostics& diagnostics) {
  for (const AttributeSchema& attribute : schema.attributes) {
    if (!attribute.required || content.Find(attribute.name) != nullptr ||
        broken.count(attribute.name) > 0) {
      continue;
    }
    diagnostics.AddError("Missing required argument",
                         absl::StrCat("The argument \"", attribute.name,
                                      "\" is required, but no definition was found."),
                         content.missing_item_range);
  }
}

std::string SuggestName(const BodySchema& schema, absl::string_view name,
                        const Diagnostics& diagnostics) {
  if (diagnostics.IsFull()) return "";
  std::vector<absl::string_view> names;
  for (const AttributeSchema& attribute : schema.attributes) names.push_back(attribute.name);
  for (const BlockSchema& block : schema.blocks) names.push_back(block.type);
  return DidYouMean(name, names, diagnostics);
}

}  // namespace cloister::hcl
