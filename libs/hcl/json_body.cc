#include "libs/hcl/json_body.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "libs/hcl/body_source.h"
#include "libs/hcl/parser.h"
#include "libs/hcl/syntax.h"

namespace cloister::hcl {
namespace {

constexpr absl::string_view kComment = "//";

// What all bodies of a file share.
struct JsonFile {
  std::shared_ptr<const JsonNode> root;
  int max_depth;
};

absl::string_view KindOf(const JsonNode& node) {
  switch (node.kind) {
    case JsonNode::Kind::kString:
      return "a string";
    case JsonNode::Kind::kArray:
      return "an array";
    case JsonNode::Kind::kObject:
      return "an object";
    default:
      return KindInWords(node.scalar.kind());
  }
}

bool IsNull(const JsonNode& node) {
  return node.kind == JsonNode::Kind::kScalar && node.scalar.IsNull();
}

// --- Expressions ---------------------------------------------------------------------------------

class ExpressionMaker {
 public:
  ExpressionMaker(int max_depth, Diagnostics& diagnostics)
      : max_depth_(max_depth), diagnostics_(diagnostics) {}

  // Null after an error. JSON's own nesting was bounded when it was parsed.
  ExpressionPointer Make(const JsonNode& node) {
    switch (node.kind) {
      case JsonNode::Kind::kString:
        return MakeText(node);
      case JsonNode::Kind::kArray:
        return MakeTuple(node);
      case JsonNode::Kind::kObject:
        return MakeObject(node);
      default:
        return MakeExpression(node.range, LiteralExpression{node.scalar});
    }
  }

 private:
  ExpressionPointer MakeText(const JsonNode& node) {
    if (!absl::StrContains(node.text, "${") && !absl::StrContains(node.text, "%{")) {
      return MakeExpression(node.range, LiteralExpression{Value::String(node.text)});
    }
    SourcePosition start = node.range.start;
    ++start.byte;
    ++start.column;
    ExpressionPointer parsed =
        ParseBareTemplate({node.text, start, node.positions}, max_depth_, diagnostics_);
    if (parsed == nullptr) return nullptr;
    auto expression = std::make_shared<Expression>(*parsed);
    expression->range = node.range;
    return expression;
  }

  ExpressionPointer MakeTuple(const JsonNode& node) {
    TupleExpression tuple;
    bool ok = true;
    for (const JsonNode& element : node.elements) {
      tuple.elements.push_back(Make(element));
      ok = ok && tuple.elements.back() != nullptr;
    }
    return ok ? MakeExpression(node.range, std::move(tuple)) : nullptr;
  }

  ExpressionPointer MakeObject(const JsonNode& node) {
    ObjectExpression object;
    std::map<std::string, SourceRange> seen;
    bool ok = true;
    for (const JsonMember& member : node.members) {
      const auto [first, is_new] = seen.emplace(member.name.text, member.name.range);
      if (!is_new) {
        diagnostics_.AddError(
            "Duplicate object attribute",
            absl::StrCat("The property \"", member.name.text, "\" was already set on line ",
                         first->second.start.line, "."),
            member.name.range);
        ok = false;
        continue;
      }
      object.items.push_back({MakeText(member.name), Make(member.value)});
      ok = ok && object.items.back().key != nullptr && object.items.back().value != nullptr;
    }
    return ok ? MakeExpression(node.range, std::move(object)) : nullptr;
  }

  const int max_depth_;
  Diagnostics& diagnostics_;
};

// --- Bodies --------------------------------------------------------------------------------------

class JsonBody : public BodySource {
 public:
  JsonBody(std::shared_ptr<const JsonFile> file, const JsonNode* node,
           SourceRange missing_item_range, TakenNames taken)
      : file_(std::move(file)),
        node_(node),
        missing_item_range_(missing_item_range),
        taken_(std::move(taken)) {}

  BodyContent Read(const BodySchema& schema, Diagnostics& diagnostics, Body* rest) const override;
  AttributeMap JustAttributes(Diagnostics& diagnostics) const override;
  SourceRange MissingItemRange() const override { return missing_item_range_; }

 private:
  // The members of an object, or of an array of objects; what is neither is diagnosed.
  std::vector<const JsonMember*> Members(const JsonNode& node, absl::string_view what,
                                         Diagnostics& diagnostics) const;
  // False if it is broken.
  bool AddAttribute(const JsonMember& member, AttributeMap& attributes,
                    Diagnostics& diagnostics) const;
  void AddBlocks(const BlockSchema& schema, const JsonMember& head, const JsonNode& value,
                 std::vector<const JsonNode*>& labels, Diagnostics& diagnostics,
                 std::vector<Block>& blocks) const;
  Block MakeBlock(const BlockSchema& schema, const JsonMember& head,
                  const std::vector<const JsonNode*>& labels, const JsonNode& content) const;

  std::shared_ptr<const JsonFile> file_;
  const JsonNode* node_;
  SourceRange missing_item_range_;
  TakenNames taken_;
};

std::vector<const JsonMember*> JsonBody::Members(const JsonNode& node, absl::string_view what,
                                                 Diagnostics& diagnostics) const {
  std::vector<const JsonMember*> members;
  const bool is_array = node.kind == JsonNode::Kind::kArray;
  const absl::Span<const JsonNode> objects =
      is_array ? absl::MakeConstSpan(node.elements) : absl::MakeConstSpan(&node, 1);
  for (const JsonNode& object : objects) {
    if (object.kind != JsonNode::Kind::kObject) {
      diagnostics.AddError("Incorrect JSON value type",
                           absl::StrCat("A JSON object is required here, with ", what, "; this is ",
                                        KindOf(object), "."),
                           object.range);
      continue;
    }
    for (const JsonMember& member : object.members) members.push_back(&member);
  }
  return members;
}

BodyContent JsonBody::Read(const BodySchema& schema, Diagnostics& diagnostics, Body* rest) const {
  BodyContent content;
  content.missing_item_range = missing_item_range_;
  NameSet broken;
  for (const JsonMember* member :
       Members(*node_, "the arguments and blocks as properties", diagnostics)) {
    const std::string& name = member->name.text;
    if (name == kComment || taken_.attributes.count(name) > 0 || taken_.blocks.count(name) > 0) {
      continue;
    }
    if (FindAttribute(schema, name) != nullptr) {
      if (!AddAttribute(*member, content.attributes, diagnostics)) broken.insert(name);
    } else if (const BlockSchema* block = FindBlock(schema, name)) {
      std::vector<const JsonNode*> labels;
      AddBlocks(*block, *member, member->value, labels, diagnostics, content.blocks);
    } else if (rest == nullptr) {
      diagnostics.AddError("Extraneous JSON object property",
                           absl::StrCat("No argument or block type is named \"", name, "\".",
                                        SuggestName(schema, name, diagnostics)),
                           member->name.range);
    }
  }
  CheckRequired(schema, content, broken, diagnostics);
  if (rest != nullptr) {
    TakenNames taken = taken_;
    taken.Add(schema);
    *rest = Body(std::make_shared<JsonBody>(file_, node_, missing_item_range_, std::move(taken)));
  }
  return content;
}

AttributeMap JsonBody::JustAttributes(Diagnostics& diagnostics) const {
  AttributeMap attributes;
  for (const JsonMember* member : Members(*node_, "the arguments as properties", diagnostics)) {
    const std::string& name = member->name.text;
    if (name == kComment || taken_.attributes.count(name) > 0 || taken_.blocks.count(name) > 0) {
      continue;
    }
    AddAttribute(*member, attributes, diagnostics);
  }
  return attributes;
}

bool JsonBody::AddAttribute(const JsonMember& member, AttributeMap& attributes,
                            Diagnostics& diagnostics) const {
  const std::string& name = member.name.text;
  const auto first = attributes.find(name);
  if (first != attributes.end()) {
    diagnostics.AddError(
        "Attribute redefined",
        absl::StrCat("The argument \"", name, "\" was already set on line ",
                     first->second.name_range.start.line, ". Each argument may be set only once."),
        member.name.range);
    return true;
  }
  ExpressionPointer expression = ExpressionMaker(file_->max_depth, diagnostics).Make(member.value);
  if (expression == nullptr) return false;
  attributes.emplace(name, Attribute{name, std::move(expression), member.name.range,
                                     SourceRange::Between(member.name.range, member.value.range)});
  return true;
}

// `labels` are those that were read on the way here.
void JsonBody::AddBlocks(const BlockSchema& schema, const JsonMember& head, const JsonNode& value,
                         std::vector<const JsonNode*>& labels, Diagnostics& diagnostics,
                         std::vector<Block>& blocks) const {
  if (labels.size() < schema.label_names.size()) {
    const std::string& label_name = schema.label_names[labels.size()];
    const auto members = Members(
        value,
        absl::StrCat("properties whose names are each a ", schema.type, " block's ", label_name),
        diagnostics);
    if (members.empty() && (value.kind == JsonNode::Kind::kObject)) {
      diagnostics.AddError("Missing block label",
                           absl::StrCat("At least one property is required, whose name is the ",
                                        schema.type, " block's ", label_name, "."),
                           value.range);
    }
    for (const JsonMember* member : members) {
      labels.push_back(&member->name);
      AddBlocks(schema, head, member->value, labels, diagnostics, blocks);
      labels.pop_back();
    }
    return;
  }
  if (IsNull(value)) return;
  if (value.kind == JsonNode::Kind::kObject) {
    blocks.push_back(MakeBlock(schema, head, labels, value));
  } else if (value.kind == JsonNode::Kind::kArray) {
    for (const JsonNode& element : value.elements) {
      blocks.push_back(MakeBlock(schema, head, labels, element));
    }
  } else {
    diagnostics.AddError("Incorrect JSON value type",
                         absl::StrCat("Either a JSON object or an array of them is required: the "
                                      "contents of one or more ",
                                      schema.type, " blocks. This is ", KindOf(value), "."),
                         value.range);
  }
}

Block JsonBody::MakeBlock(const BlockSchema& schema, const JsonMember& head,
                          const std::vector<const JsonNode*>& labels,
                          const JsonNode& content) const {
  Block block;
  block.type = schema.type;
  block.type_range = head.name.range;
  block.head_range = head.name.range;
  for (const JsonNode* label : labels) {
    block.labels.push_back(label->text);
    block.label_ranges.push_back(label->range);
    block.head_range = label->range;
  }
  block.body = Body(std::make_shared<JsonBody>(file_, &content, block.head_range, TakenNames()));
  return block;
}

}  // namespace

Body MakeJsonBody(std::shared_ptr<const JsonNode> root, int max_depth) {
  const JsonNode* node = root.get();
  const SourceRange start = {node->range.start, node->range.start};
  auto file = std::make_shared<JsonFile>(JsonFile{std::move(root), max_depth});
  return Body(std::make_shared<JsonBody>(std::move(file), node, start, TakenNames()));
}

}  // namespace cloister::hcl
