#include "libs/jobspec/block_reader.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libs/hcl/value.h"
#include "libs/jobspec/item_table.h"

namespace cloister::jobspec {
namespace {

constexpr absl::string_view kNotice = "Left to a scheduler";

std::string Unescaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"$${", "${"}});
}

// Nothing in it has an effect, but what is wrong in it is told.
void CheckWithoutEffect(absl::string_view name, const hcl::Body& body, const Reading& reading) {
  const hcl::BodySchema schema = SchemaOf(name);
  if (schema.attributes.empty() && schema.blocks.empty()) return;
  const hcl::BodyContent content = body.Content(schema, *reading.diagnostics);
  for (const auto& [attribute_name, attribute] : content.attributes) {
    const Item* item = FindItem(name, attribute_name);
    if (item->disposition == Disposition::kRefused) {
      reading.diagnostics->AddError("Not available yet", Refusal(*item), attribute.name_range);
    } else {
      hcl::Evaluate(*attribute.expression, *reading.scope, *reading.diagnostics);
    }
  }
  for (const hcl::Block& block : content.blocks) {
    CheckWithoutEffect(block.type, block.body, reading);
  }
}

}  // namespace

BlockReader::BlockReader(absl::string_view block, const hcl::Body& body, const Reading& reading)
    : block_(block),
      reading_(reading),
      content_(body.Content(SchemaOf(block), *reading.diagnostics)) {
  JudgeAttributes();
  JudgeBlocks();
}

void BlockReader::JudgeAttributes() {
  for (const auto& [name, attribute] : content_.attributes) {
    const Item* item = FindItem(block_, name);
    if (item->disposition == Disposition::kRefused) {
      Error("Not available yet", Refusal(*item), attribute.name_range);
    } else if (item->disposition == Disposition::kSchedulerOnly) {
      hcl::Evaluate(*attribute.expression, *reading_.scope, *reading_.diagnostics);
      reading_.diagnostics->AddWarning(
          kNotice, absl::StrCat("\"", name, "\" has no effect here: ", item->note, "."),
          attribute.name_range);
    }
  }
}

void BlockReader::JudgeBlocks() {
  for (const hcl::Block& block : content_.blocks) {
    const Item* item = FindItem(block_, block.type);
    if (item->disposition == Disposition::kRefused) {
      Error("Not available yet", Refusal(*item), block.type_range);
    } else if (item->disposition == Disposition::kSchedulerOnly) {
      CheckWithoutEffect(block.type, block.body, reading_);
      reading_.diagnostics->AddWarning(
          kNotice, absl::StrCat("\"", block.type, "\" has no effect here: ", item->note, "."),
          block.type_range);
    }
  }
}

const hcl::Attribute* BlockReader::Find(absl::string_view name, absl::string_view field) {
  const hcl::Attribute* attribute = content_.Find(name);
  if (attribute != nullptr && !field.empty()) {
    reading_.places->Add(field, attribute->ExpressionRange());
  }
  return attribute;
}

absl::optional<std::string> BlockReader::Plain(const hcl::Attribute& attribute,
                                               const std::string& text, bool deferred) {
  if (!deferred) return Unescaped(text);
  Error("Value known only on the node",
        absl::StrCat("References such as ${attr.NAME} are not replaced in \"", attribute.name,
                     "\"; $${ stands for ${."),
        attribute.ExpressionRange());
  return absl::nullopt;
}

absl::optional<std::string> BlockReader::Evaluated(const hcl::Attribute& attribute,
                                                   bool interpolated) {
  if (interpolated) {
    return hcl::EvaluateText(attribute, *reading_.scope, *reading_.diagnostics);
  }
  // For its errors; whether it is deferred, only the value says.
  hcl::Diagnostics seen_already;
  const absl::optional<std::string> text =
      hcl::EvaluateText(attribute, *reading_.scope, *reading_.diagnostics);
  if (!text) return absl::nullopt;
  const absl::optional<hcl::Value> value =
      hcl::Evaluate(*attribute.expression, *reading_.scope, seen_already);
  return Plain(attribute, *text, value && value->IsDeferred());
}

absl::optional<std::string> BlockReader::InterpolatedText(absl::string_view name,
                                                          absl::string_view field) {
  const hcl::Attribute* attribute = Find(name, field);
  if (attribute == nullptr) return absl::nullopt;
  return Evaluated(*attribute, /*interpolated=*/true);
}

absl::optional<std::string> BlockReader::Text(absl::string_view name, absl::string_view field) {
  const hcl::Attribute* attribute = Find(name, field);
  if (attribute == nullptr) return absl::nullopt;
  return Evaluated(*attribute, /*interpolated=*/false);
}

absl::optional<bool> BlockReader::Bool(absl::string_view name, absl::string_view field) {
  const hcl::Attribute* attribute = Find(name, field);
  if (attribute == nullptr) return absl::nullopt;
  return hcl::EvaluateBool(*attribute, *reading_.scope, *reading_.diagnostics);
}

absl::optional<int64_t> BlockReader::Integer(absl::string_view name, absl::string_view field) {
  const hcl::Attribute* attribute = Find(name, field);
  if (attribute == nullptr) return absl::nullopt;
  return hcl::EvaluateInteger(*attribute, *reading_.scope, *reading_.diagnostics);
}

absl::optional<absl::Duration> BlockReader::Duration(absl::string_view name,
                                                     absl::string_view field) {
  const hcl::Attribute* attribute = Find(name, field);
  if (attribute == nullptr) return absl::nullopt;
  const absl::optional<std::string> text = Evaluated(*attribute, /*interpolated=*/false);
  if (!text) return absl::nullopt;
  absl::Duration duration;
  if (absl::ParseDuration(*text, &duration) && duration != absl::InfiniteDuration() &&
      duration != -absl::InfiniteDuration()) {
    return duration;
  }
  Error("Invalid duration",
        absl::StrCat("\"", absl::CHexEscape(*text),
                     "\" is no duration: a number with a unit (h, m, s, ms), \"30s\" or "
                     "\"1m30s\"."),
        attribute->ExpressionRange());
  return absl::nullopt;
}

std::vector<std::string> BlockReader::TextList(absl::string_view name, absl::string_view field,
                                               bool interpolated) {
  const hcl::Attribute* attribute = Find(name, field);
  if (attribute == nullptr) return {};
  absl::optional<std::vector<std::string>> list =
      hcl::EvaluateTextList(*attribute, *reading_.scope, *reading_.diagnostics);
  if (!list) return {};
  const std::vector<hcl::SourceRange> ranges = attribute->ElementRanges();
  for (size_t i = 0; i < ranges.size(); ++i) {
    reading_.places->Add(absl::StrCat(field, "[", i, "]"), ranges[i]);
  }
  if (interpolated) return *std::move(list);
  hcl::Diagnostics seen_already;
  const absl::optional<hcl::Value> value =
      hcl::Evaluate(*attribute->expression, *reading_.scope, seen_already);
  for (std::string& text : *list) {
    absl::optional<std::string> plain = Plain(*attribute, text, value && value->IsDeferred());
    if (!plain) return {};
    text = *std::move(plain);
  }
  return *std::move(list);
}

void BlockReader::AddMapBlock(const hcl::Block& block, absl::string_view field, bool interpolated,
                              TextMap* map) {
  for (const auto& [key, attribute] : block.body.JustAttributes(*reading_.diagnostics)) {
    reading_.places->Add(absl::StrCat(field, "[", absl::CHexEscape(key), "]"),
                         attribute.ExpressionRange());
    absl::optional<std::string> text = Evaluated(attribute, interpolated);
    if (!text) continue;
    if (!map->emplace(key, *std::move(text)).second) {
      Error("Duplicate argument",
            absl::StrCat("\"", key, "\" is in another \"", block.type, "\" block, too."),
            attribute.name_range);
    }
  }
}

BlockReader::TextMap BlockReader::Map(absl::string_view name, absl::string_view field,
                                      bool interpolated) {
  TextMap map;
  if (const hcl::Attribute* attribute = Find(name, field)) {
    absl::optional<TextMap> read =
        hcl::EvaluateTextMap(*attribute, *reading_.scope, *reading_.diagnostics);
    hcl::Diagnostics seen_already;
    const absl::optional<hcl::Value> value =
        hcl::Evaluate(*attribute->expression, *reading_.scope, seen_already);
    if (read) map = *std::move(read);
    for (auto& [key, text] : map) {
      if (interpolated) break;
      absl::optional<std::string> plain = Plain(*attribute, text, value && value->IsDeferred());
      if (!plain) break;
      text = *std::move(plain);
    }
  }
  ForEach(name, [&](const hcl::Block& block) {
    if (!field.empty()) reading_.places->Add(field, block.head_range);
    AddMapBlock(block, field, interpolated, &map);
  });
  return map;
}

void BlockReader::Require(absl::string_view name) {
  if (content_.Find(name) != nullptr || !reading_.is_whole) return;
  Error("Missing required argument",
        absl::StrCat("The argument \"", name, "\" is required, but was not set."),
        content_.missing_item_range);
}

void BlockReader::ForEach(absl::string_view type,
                          const std::function<void(const hcl::Block&)>& read) {
  for (const hcl::Block& block : content_.blocks) {
    if (block.type == type) read(block);
  }
}

std::string AsSentence(absl::string_view words) {
  std::string sentence(words);
  if (sentence.empty()) return sentence;
  sentence[0] = absl::ascii_toupper(static_cast<unsigned char>(sentence[0]));
  if (sentence.back() != '.') sentence.push_back('.');
  return sentence;
}

std::string BlockInWords(const hcl::Block& block) {
  std::string words = block.type;
  for (const std::string& label : block.labels) {
    absl::StrAppend(&words, " \"", absl::CHexEscape(label), "\"");
  }
  return words;
}

}  // namespace cloister::jobspec
