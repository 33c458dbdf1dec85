#include "libs/hcl/json_text.h"

#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/json_syntax.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

void AppendQuoted(absl::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const CodePoint point = FirstCodePoint(text);
    const size_t size = point.size == 0 ? 1 : point.size;
    constexpr absl::string_view kMeanings = "\"\\\b\f\n\r\t";
    constexpr absl::string_view kLetters = "\"\\bfnrt";
    const size_t escape = kMeanings.find(text.front());
    if (escape != absl::string_view::npos) {
      out += '\\';
      out += kLetters[escape];
    } else if (point.value < 0x20 || point.value == '<' || point.value == '>' ||
               point.value == '&' || point.value == 0x2028 || point.value == 0x2029) {
      absl::StrAppendFormat(&out, "\\u%04x", point.value);
    } else {
      absl::StrAppend(&out, text.substr(0, size));
    }
    text.remove_prefix(size);
  }
  out += '"';
}

void AppendJson(const Value& value, std::string& out) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      out += "null";
      break;
    case Value::Kind::kString:
      AppendQuoted(value.text(), out);
      break;
    case Value::Kind::kTuple: {
      absl::string_view separator = "[";
      for (const Value& element : value.elements()) {
        absl::StrAppend(&out, separator);
        separator = ",";
        AppendJson(element, out);
      }
      out += value.elements().empty() ? "[]" : "]";
      break;
    }
    case Value::Kind::kObject: {
      absl::string_view separator = "{";
      for (const auto& [key, attribute] : value.attributes()) {
        absl::StrAppend(&out, separator);
        separator = ",";
        AppendQuoted(key, out);
        out += ':';
        AppendJson(attribute, out);
      }
      out += value.attributes().empty() ? "{}" : "}";
      break;
    }
    default:
      out += *value.ToText();
  }
}

Value ToValue(const JsonNode& node) {
  if (node.kind == JsonNode::Kind::kString) return Value::String(node.text);
  if (node.kind == JsonNode::Kind::kArray) {
    Value::Elements elements;
    for (const JsonNode& element : node.elements) elements.push_back(ToValue(element));
    return Value::Tuple(std::move(elements));
  }
  if (node.kind == JsonNode::Kind::kObject) {
    Value::Attributes attributes;
    for (const JsonMember& member : node.members) {
      attributes.insert_or_assign(member.name.text, ToValue(member.value));
    }
    return Value::Object(std::move(attributes));
  }
  return node.scalar;
}

}  // namespace

std::string JsonText(const Value& value) {
  std::string text;
  AppendJson(value, text);
  return text;
}

absl::StatusOr<Value> ValueFromJson(absl::string_view text, int max_depth) {
  Diagnostics diagnostics;
  const std::shared_ptr<const JsonNode> node = ParseJson(text, max_depth, diagnostics);
  if (node != nullptr) return ToValue(*node);
  std::ostringstream words;
  for (const Diagnostic& diagnostic : diagnostics.kept()) words << diagnostic;
  return absl::InvalidArgumentError(absl::StrCat("the text is no JSON: ", words.str()));
}

}  // namespace cloister::hcl
