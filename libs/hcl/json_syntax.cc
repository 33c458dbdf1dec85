#include "libs/hcl/json_syntax.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

class JsonParser {
 public:
  JsonParser(absl::string_view text, int max_depth, Diagnostics& diagnostics)
      : rest_(text), max_depth_(max_depth), diagnostics_(diagnostics) {}

  std::shared_ptr<const JsonNode> Parse() {
    if (absl::StartsWith(rest_, "\xef\xbb\xbf")) Advance(3);
    auto node = std::make_shared<JsonNode>();
    if (!ParseValue(*node, 0)) return nullptr;
    SkipSpace();
    if (!rest_.empty()) {
      Error("Extraneous data after value", "A JSON file holds one value and nothing more.");
      return nullptr;
    }
    return node;
  }

 private:
  bool ParseValue(JsonNode& node, int depth);
  bool ParseArray(JsonNode& node, int depth);
  bool ParseObject(JsonNode& node, int depth);
  bool ParseString(JsonNode& node);
  bool ParseStringText(JsonNode& node);
  bool ParseEscape(std::string& text);
  bool ParseHexDigits(uint32_t& value);
  bool ParseNumber(JsonNode& node);
  bool ParseKeyword(JsonNode& node);

  void Advance(size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
      const char c = rest_[i];
      ++position_.byte;
      if (c == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if ((static_cast<uint8_t>(c) & 0xc0) != 0x80) {
        ++position_.column;
      }
    }
    rest_.remove_prefix(bytes);
  }

  void SkipSpace() {
    while (!rest_.empty() &&
           absl::string_view(" \t\r\n").find(rest_.front()) != absl::string_view::npos) {
      Advance(1);
    }
  }

  // Skips white space, then the character if it is the next one.
  bool Accept(char c) {
    SkipSpace();
    if (rest_.empty() || rest_.front() != c) return false;
    Advance(1);
    return true;
  }

  bool Error(absl::string_view summary, absl::string_view detail) {
    const SourcePosition start = position_;
    if (!rest_.empty()) Advance(std::max<size_t>(1, FirstCodePoint(rest_).size));
    diagnostics_.AddError(summary, detail, SourceRange{start, position_});
    return false;
  }

  absl::string_view rest_;
  SourcePosition position_;
  const int max_depth_;
  Diagnostics& diagnostics_;
};

bool JsonParser::ParseValue(JsonNode& node, int depth) {
  SkipSpace();
  if (depth > max_depth_) {
    return Error("Nested too deep",
                 absl::StrCat("There may be at most ", max_depth_, " levels of nesting."));
  }
  if (rest_.empty()) return Error("Missing value", "The file ends where a JSON value would begin.");
  node.range.start = position_;
  const char c = rest_.front();
  const bool ok = c == '{'                             ? ParseObject(node, depth)
                  : c == '['                           ? ParseArray(node, depth)
                  : c == '"'                           ? ParseString(node)
                  : c == '-' || absl::ascii_isdigit(c) ? ParseNumber(node)
                                                       : ParseKeyword(node);
  node.range.end = position_;
  return ok;
}

bool JsonParser::ParseArray(JsonNode& node, int depth) {
  node.kind = JsonNode::Kind::kArray;
  Advance(1);
  if (Accept(']')) return true;
  do {
    node.elements.emplace_back();
    if (!ParseValue(node.elements.back(), depth + 1)) return false;
  } while (Accept(','));
  if (Accept(']')) return true;
  return Error("Missing item separator",
               "Expected a comma or a closing bracket after an array's item.");
}

bool JsonParser::ParseObject(JsonNode& node, int depth) {
  node.kind = JsonNode::Kind::kObject;
  Advance(1);
  if (Accept('}')) return true;
  do {
    SkipSpace();
    node.members.emplace_back();
    JsonMember& member = node.members.back();
    if (rest_.empty() || rest_.front() != '"') {
      return Error("Invalid object property name", "Expected a property's name in double quotes.");
    }
    member.name.range.start = position_;
    if (!ParseString(member.name)) return false;
    member.name.range.end = position_;
    if (!Accept(':')) {
      return Error("Missing property value colon", "Expected a colon after a property's name.");
    }
    if (!ParseValue(member.value, depth + 1)) return false;
  } while (Accept(','));
  if (Accept('}')) return true;
  return Error("Missing attribute separator",
               "Expected a comma or a closing brace after an object's property.");
}

bool JsonParser::ParseString(JsonNode& node) {
  node.kind = JsonNode::Kind::kString;
  Advance(1);
  // A string without escapes, as most are, needs no table of positions.
  const size_t plain = std::min(rest_.find_first_of("\"\\"), rest_.size());
  const bool has_escapes = rest_.substr(plain, 1) == "\\";
  if (has_escapes) return ParseStringText(node);
  const absl::string_view text = rest_.substr(0, plain);
  const auto control =
      std::find_if(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20; });
  if (control != text.end() || plain == rest_.size()) return ParseStringText(node);
  node.text = std::string(text);
  Advance(plain + 1);
  return true;
}

bool JsonParser::ParseStringText(JsonNode& node) {
  while (!rest_.empty() && rest_.front() != '"') {
    const SourcePosition start = position_;
    if (static_cast<uint8_t>(rest_.front()) < 0x20) {
      return Error("Invalid string", "A string ends on its line; control characters are escaped.");
    }
    if (rest_.front() == '\\') {
      if (!ParseEscape(node.text)) return false;
    } else {
      const size_t size = std::max<size_t>(1, FirstCodePoint(rest_).size);
      absl::StrAppend(&node.text, rest_.substr(0, size));
      Advance(size);
    }
    node.positions.resize(node.text.size(), start);
  }
  if (rest_.empty()) return Error("Unterminated string", "The file ends within a string.");
  node.positions.push_back(position_);
  Advance(1);
  return true;
}

bool JsonParser::ParseHexDigits(uint32_t& value) {
  if (rest_.size() < 4 || !std::all_of(rest_.begin(), rest_.begin() + 4, absl::ascii_isxdigit) ||
      !absl::SimpleHexAtoi(rest_.substr(0, 4), &value)) {
    return Error("Invalid escape sequence", "\\u stands before four hexadecimal digits.");
  }
  Advance(4);
  return true;
}

bool JsonParser::ParseEscape(std::string& text) {
  Advance(1);
  const char c = rest_.empty() ? '\0' : rest_.front();
  constexpr absl::string_view kLetters = "\"\\/bfnrt";
  constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (c != '\0' && kLetters.find(c) != absl::string_view::npos) {
    text.push_back(kMeanings[kLetters.find(c)]);
    Advance(1);
    return true;
  }
  if (c != 'u') return Error("Invalid escape sequence", "This is no escape sequence of JSON.");
  Advance(1);
  uint32_t point;
  if (!ParseHexDigits(point)) return false;
  if (point >= 0xd800 && point <= 0xdbff && absl::StartsWith(rest_, "\\u")) {
    Advance(2);
    uint32_t low;
    if (!ParseHexDigits(low)) return false;
    // Anything but a low surrogate makes a number that is no character.
    point = low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
                                           : 0xd800;
  }
  if (!IsCodePoint(point) || point == 0) {
    return Error("Invalid escape sequence",
                 "Half of a pair of surrogates, or NUL, is no character.");
  }
  AppendUtf8(point, text);
  return true;
}

bool JsonParser::ParseNumber(JsonNode& node) {
  size_t size = 1;
  while (size < rest_.size() &&
         (absl::ascii_isalnum(rest_[size]) ||
          absl::string_view("+-.").find(rest_[size]) != absl::string_view::npos)) {
    ++size;
  }
  const absl::string_view text = rest_.substr(0, size);
  const absl::string_view digits = text.substr(text.front() == '-' ? 1 : 0);
  const bool leading_zero = digits.size() > 1 && digits[0] == '0' && absl::ascii_isdigit(digits[1]);
  const absl::optional<Value> number = Value::String(std::string(text)).ToNumber();
  if (!number || leading_zero) {
    return Error("Invalid JSON number", "This is no number of JSON, or it is too large.");
  }
  node.scalar = *number;
  Advance(size);
  return true;
}

bool JsonParser::ParseKeyword(JsonNode& node) {
  size_t size = 0;
  while (size < rest_.size() && absl::ascii_isalnum(rest_[size])) ++size;
  const absl::string_view word = rest_.substr(0, size);
  if (word == "true" || word == "false") {
    node.scalar = Value::Bool(word == "true");
  } else if (word != "null") {
    return Error("Invalid JSON value",
                 "Expected a JSON value: an object, array, string, number, true, "
                 "false or null.");
  }
  Advance(size);
  return true;
}

}  // namespace

std::shared_ptr<const JsonNode> ParseJson(absl::string_view text, int max_depth,
                                          Diagnostics& diagnostics) {
  return JsonParser(text, max_depth, diagnostics).Parse();
}

}  // namespace cloister::hcl
