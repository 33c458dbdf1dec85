#include "libs/hcl/native_body.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/hcl/body_source.h"

namespace cloister::hcl {
namespace {

Attribute MakeAttribute(const AttributeSyntax& syntax) {
  return {syntax.name, syntax.expression, syntax.name_range, syntax.range};
}

class NativeBody : public BodySource {
 public:
  NativeBody(std::shared_ptr<const BodySyntax> syntax, TakenNames taken)
      : syntax_(std::move(syntax)), taken_(std::move(taken)) {}

  BodyContent Read(const BodySchema& schema, Diagnostics& diagnostics, Body* rest) const override {
    BodyContent content;
    content.missing_item_range = syntax_->missing_item_range;
    ReadAttributes(schema, rest != nullptr, diagnostics, content);
    CheckRequired(schema, content, syntax_->broken_attributes, diagnostics);
    ReadBlocks(schema, rest != nullptr, diagnostics, content);
    if (rest != nullptr) {
      TakenNames taken = taken_;
      taken.Add(schema);
      *rest = Body(std::make_shared<NativeBody>(syntax_, std::move(taken)));
    }
    return content;
  }

  AttributeMap JustAttributes(Diagnostics& diagnostics) const override {
    AttributeMap attributes;
    for (const AttributeSyntax& attribute : syntax_->attributes) {
      if (taken_.attributes.count(attribute.name) == 0) {
        attributes.emplace(attribute.name, MakeAttribute(attribute));
      }
    }
    for (const BlockSyntax& block : syntax_->blocks) {
      if (taken_.blocks.count(block.type) > 0) continue;
      diagnostics.AddError(absl::StrCat("Unexpected \"", block.type, "\" block"),
                           "Blocks are not allowed here, only arguments (name = value).",
                           block.head_range);
    }
    return attributes;
  }

  SourceRange MissingItemRange() const override { return syntax_->missing_item_range; }

 private:
  void ReadAttributes(const BodySchema& schema, bool partial, Diagnostics& diagnostics,
                      BodyContent& content) const;
  void ReadBlocks(const BodySchema& schema, bool partial, Diagnostics& diagnostics,
                  BodyContent& content) const;

  std::shared_ptr<const BodySyntax> syntax_;
  TakenNames taken_;
};

void NativeBody::ReadAttributes(const BodySchema& schema, bool partial, Diagnostics& diagnostics,
                                BodyContent& content) const {
  for (const AttributeSyntax& attribute : syntax_->attributes) {
    if (taken_.attributes.count(attribute.name) > 0) continue;
    if (FindAttribute(schema, attribute.name) != nullptr) {
      content.attributes.emplace(attribute.name, MakeAttribute(attribute));
    } else if (FindBlock(schema, attribute.name) != nullptr) {
      diagnostics.AddError(
          "Unsupported argument",
          absl::StrCat("\"", attribute.name, "\" is a block, not an argument: write ",
                       attribute.name, " { ... } without \"=\"."),
          attribute.name_range);
    } else if (!partial) {
      diagnostics.AddError(
          "Unsupported argument",
          absl::StrCat("An argument named \"", attribute.name, "\" is not expected here.",
                       SuggestName(schema, attribute.name, diagnostics)),
          attribute.name_range);
    }
  }
}

// Whether the block has as many labels as its schema says.
bool CheckLabels(const BlockSchema& schema, const BlockSyntax& block, Diagnostics& diagnostics) {
  const size_t expected = schema.label_names.size();
  if (block.labels.size() == expected) return true;
  if (block.labels.size() < expected) {
    diagnostics.AddError(
        absl::StrCat("Missing ", schema.label_names[block.labels.size()], " for ", block.type),
        absl::StrCat(
            "A ", block.type, " block has ", expected,
            expected == 1 ? " label: " : " labels: ", absl::StrJoin(schema.label_names, ", "), "."),
        block.head_range);
  } else {
    diagnostics.AddError(absl::StrCat("Extraneous label for ", block.type),
                         expected == 0
                             ? absl::StrCat("A ", block.type, " block has no labels.")
                             : absl::StrCat("A ", block.type, " block has only ", expected,
                                            expected == 1 ? " label: " : " labels: ",
                                            absl::StrJoin(schema.label_names, ", "), "."),
                         block.label_ranges[expected]);
  }
  return false;
}

void NativeBody::ReadBlocks(const BodySchema& schema, bool partial, Diagnostics& diagnostics,
                            BodyContent& content) const {
  for (const BlockSyntax& block : syntax_->blocks) {
    if (taken_.blocks.count(block.type) > 0) continue;
    if (const BlockSchema* block_schema = FindBlock(schema, block.type)) {
      if (!CheckLabels(*block_schema, block, diagnostics)) continue;
      content.blocks.push_back({block.type, block.labels, MakeNativeBody(block.body),
                                block.type_range, block.label_ranges, block.head_range});
    } else if (FindAttribute(schema, block.type) != nullptr) {
      diagnostics.AddError("Unsupported block type",
                           absl::StrCat("\"", block.type, "\" is an argument, not a block: write ",
                                        block.type, " = ..."),
                           block.type_range);
    } else if (!partial) {
      diagnostics.AddError(
          "Unsupported block type",
          absl::StrCat("Blocks of type \"", block.type, "\" are not expected here.",
                       SuggestName(schema, block.type, diagnostics)),
          block.type_range);
    }
  }
}

}  // namespace

Body MakeNativeBody(std::shared_ptr<const BodySyntax> syntax) {
  return Body(std::make_shared<NativeBody>(std::move(syntax), TakenNames()));
}

}  // namespace cloister::hcl
