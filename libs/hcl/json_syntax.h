// JSON as RFC 8259 has it, with the place of each value. Used for HCL's JSON form.
#ifndef CLOISTER_LIBS_HCL_JSON_SYNTAX_H_
#define CLOISTER_LIBS_HCL_JSON_SYNTAX_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/source.h"
#include "libs/hcl/value.h"

namespace cloister::hcl {

struct JsonMember;

struct JsonNode {
  enum class Kind { kScalar, kString, kArray, kObject };
  Kind kind = Kind::kScalar;
  SourceRange range;
  Value scalar;      // null, bool or number
  std::string text;  // kString, decoded
  // kString: where each byte of the text, and its end, stands. Empty if the text has no escapes:
  // then it begins one character behind the range.
  std::vector<SourcePosition> positions;
  std::vector<JsonNode> elements;   // kArray
  std::vector<JsonMember> members;  // kObject, in the order of the file, repeated names too
};

struct JsonMember {
  JsonNode name;  // kString
  JsonNode value;
};

// Null after an error: the first one ends it.
std::shared_ptr<const JsonNode> ParseJson(absl::string_view text, int max_depth,
                                          Diagnostics& diagnostics);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_JSON_SYNTAX_H_
