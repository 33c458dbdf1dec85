#include "libs/hcl/dynamic_blocks.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/hcl/body_source.h"
#include "libs/hcl/syntax.h"

namespace cloister::hcl {
namespace {

constexpr absl::string_view kDynamic = "dynamic";

// The turn of a dynamic block that content belongs to, and those around it.
struct Turn {
  std::shared_ptr<const Turn> outer;
  std::string iterator;
  Value value;
};
using TurnPointer = std::shared_ptr<const Turn>;

// The expression, evaluated with the iterators of all turns.
ExpressionPointer Within(const TurnPointer& innermost, ExpressionPointer expression) {
  for (const Turn* turn = innermost.get(); turn != nullptr; turn = turn->outer.get()) {
    const SourceRange range = expression->range;
    expression =
        MakeExpression(range, ScopedExpression{turn->iterator, turn->value, std::move(expression)});
  }
  return expression;
}

// What a `dynamic` block says.
struct Dynamic {
  std::string iterator;
  Value collection;
  const Attribute* labels = nullptr;
  Body content;
};

class DynamicBody : public BodySource {
 public:
  DynamicBody(Body inner, const EvaluationScope& scope, TurnPointer turn,
              std::set<std::string> taken_types)
      : inner_(std::move(inner)),
        scope_(scope),
        turn_(std::move(turn)),
        taken_types_(std::move(taken_types)) {}

  BodyContent Read(const BodySchema& schema, Diagnostics& diagnostics, Body* rest) const override;

  AttributeMap JustAttributes(Diagnostics& diagnostics) const override {
    AttributeMap attributes = inner_.JustAttributes(diagnostics);
    Wrap(attributes);
    return attributes;
  }

  SourceRange MissingItemRange() const override { return inner_.MissingItemRange(); }

 private:
  void Wrap(AttributeMap& attributes) const {
    for (auto& [name, attribute] : attributes) {
      attribute.expression = Within(turn_, std::move(attribute.expression));
    }
  }
  Body Expanded(Body body, TurnPointer turn) const {
    return Body(std::make_shared<DynamicBody>(std::move(body), scope_, std::move(turn),
                                              std::set<std::string>()));
  }
  void Expand(const Block& block, const BlockSchema& schema, Diagnostics& diagnostics,
              std::vector<Block>& blocks) const;
  bool ReadDynamic(const Block& block, const BodyContent& settings, Diagnostics& diagnostics,
                   Dynamic& dynamic) const;
  void AddBlock(const Block& block, const BlockSchema& schema, const Dynamic& dynamic, Value key,
                Value value, Diagnostics& diagnostics, std::vector<Block>& blocks) const;
  bool ReadLabels(const BlockSchema& schema, const Block& block, const Dynamic& dynamic,
                  const TurnPointer& turn, Diagnostics& diagnostics, Block& result) const;

  Body inner_;
  const EvaluationScope& scope_;
  TurnPointer turn_;
  std::set<std::string> taken_types_;
};

BodyContent DynamicBody::Read(const BodySchema& schema, Diagnostics& diagnostics,
                              Body* rest) const {
  BodySchema with_dynamic = schema;
  with_dynamic.blocks.push_back({std::string(kDynamic), {"type"}});
  BodyContent content;
  if (rest == nullptr) {
    content = inner_.Content(with_dynamic, diagnostics);
  } else {
    Body ignored;
    content = inner_.PartialContent(with_dynamic, diagnostics, &ignored);
    // What is dynamic and of another type belongs to the rest.
    Diagnostics said_already(0);
    Body inner_rest;
    inner_.PartialContent(schema, said_already, &inner_rest);
    std::set<std::string> taken = taken_types_;
    for (const BlockSchema& block : schema.blocks) taken.insert(block.type);
    *rest = Body(std::make_shared<DynamicBody>(inner_rest, scope_, turn_, std::move(taken)));
  }
  Wrap(content.attributes);
  std::vector<Block> blocks;
  for (Block& block : content.blocks) {
    if (block.type != kDynamic) {
      block.body = Expanded(std::move(block.body), turn_);
      blocks.push_back(std::move(block));
      continue;
    }
    const std::string& type = block.labels[0];
    if (taken_types_.count(type) > 0) continue;
    if (const BlockSchema* block_schema = FindBlock(schema, type)) {
      Expand(block, *block_schema, diagnostics, blocks);
    } else if (rest == nullptr) {
      diagnostics.AddError("Unsupported block type",
                           absl::StrCat("Blocks of type \"", type, "\" are not expected here.",
                                        SuggestName(schema, type, diagnostics)),
                           block.label_ranges[0]);
    }
  }
  content.blocks = std::move(blocks);
  return content;
}

bool DynamicBody::ReadDynamic(const Block& block, const BodyContent& settings,
                              Diagnostics& diagnostics, Dynamic& dynamic) const {
  dynamic.iterator = block.labels[0];
  if (const Attribute* iterator = settings.Find("iterator")) {
    const auto* name = absl::get_if<VariableExpression>(&iterator->expression->node);
    const auto* text = absl::get_if<LiteralExpression>(&iterator->expression->node);
    if (name == nullptr && (text == nullptr || !text->value.IsString())) {
      diagnostics.AddError("Invalid iterator", "The iterator is a name.",
                           iterator->ExpressionRange());
      return false;
    }
    dynamic.iterator = name != nullptr ? name->name : text->value.text();
  }
  dynamic.labels = settings.Find("labels");
  const Block* content = settings.AtMostOne("content", diagnostics);
  if (content == nullptr) {
    diagnostics.AddError("Missing content block", "A dynamic block has a content block.",
                         block.head_range);
    return false;
  }
  dynamic.content = content->body;
  const Attribute* for_each = settings.Find("for_each");
  if (for_each == nullptr) return false;
  const absl::optional<Value> collection =
      Evaluate(*Within(turn_, for_each->expression), scope_, diagnostics);
  if (!collection) return false;
  if (!collection->IsTuple() && !collection->IsObject()) {
    diagnostics.AddError(
        "Invalid for_each",
        collection->IsDeferred()
            ? "How many blocks there are cannot depend on what is known only on "
              "the node."
            : absl::StrCat("A dynamic block goes over a list or an object; this is ",
                           KindInWords(collection->kind()), "."),
        for_each->ExpressionRange());
    return false;
  }
  dynamic.collection = *collection;
  return true;
}

void DynamicBody::Expand(const Block& block, const BlockSchema& schema, Diagnostics& diagnostics,
                         std::vector<Block>& blocks) const {
  const BodySchema settings_schema = {{{"for_each", true}, {"iterator"}, {"labels"}},
                                      {{"content", {}}}};
  const BodyContent settings = block.body.Content(settings_schema, diagnostics);
  Dynamic dynamic;
  if (!ReadDynamic(block, settings, diagnostics, dynamic)) return;
  int64_t index = 0;
  for (const Value& element : dynamic.collection.elements()) {
    AddBlock(block, schema, dynamic, Value::Int(index++), element, diagnostics, blocks);
  }
  for (const auto& [key, element] : dynamic.collection.attributes()) {
    AddBlock(block, schema, dynamic, Value::String(key), element, diagnostics, blocks);
  }
}

void DynamicBody::AddBlock(const Block& block, const BlockSchema& schema, const Dynamic& dynamic,
                           Value key, Value value, Diagnostics& diagnostics,
                           std::vector<Block>& blocks) const {
  if (!scope_.Spend(1, 0)) {
    diagnostics.AddError("Evaluation takes too long", "There are too many dynamic blocks.",
                         block.head_range);
    return;
  }
  auto turn = std::make_shared<Turn>();
  turn->outer = turn_;
  turn->iterator = dynamic.iterator;
  turn->value = Value::Object({{"key", std::move(key)}, {"value", std::move(value)}});
  Block result;
  result.type = schema.type;
  result.type_range = block.label_ranges[0];
  result.head_range = block.head_range;
  if (!ReadLabels(schema, block, dynamic, turn, diagnostics, result)) return;
  result.body = Expanded(dynamic.content, std::move(turn));
  blocks.push_back(std::move(result));
}

bool DynamicBody::ReadLabels(const BlockSchema& schema, const Block& block, const Dynamic& dynamic,
                             const TurnPointer& turn, Diagnostics& diagnostics,
                             Block& result) const {
  SourceRange range = block.head_range;
  if (dynamic.labels != nullptr) {
    range = dynamic.labels->ExpressionRange();
    Attribute labels = *dynamic.labels;
    labels.expression = Within(turn, std::move(labels.expression));
    const absl::optional<Value> value = Evaluate(*labels.expression, scope_, diagnostics);
    if (!value) return false;
    if (value->IsDeferred()) {
      diagnostics.AddError("Value known only on the node",
                           "A label must be known before a node is chosen.", range);
      return false;
    }
    absl::optional<std::vector<std::string>> texts = EvaluateTextList(labels, scope_, diagnostics);
    if (!texts) return false;
    result.labels = *std::move(texts);
  }
  if (result.labels.size() != schema.label_names.size()) {
    diagnostics.AddError("Wrong number of labels",
                         absl::StrCat("A ", schema.type, " block has ", schema.label_names.size(),
                                      " labels; here are ", result.labels.size(), "."),
                         range);
    return false;
  }
  result.label_ranges.assign(result.labels.size(), range);
  return true;
}

}  // namespace

Body ExpandDynamicBlocks(const Body& body, const EvaluationScope& scope) {
  return Body(std::make_shared<DynamicBody>(body, scope, nullptr, std::set<std::string>()));
}

}  // namespace cloister::hcl
