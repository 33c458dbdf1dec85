#include "libs/hcl/file.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/hcl/body_source.h"
#include "libs/hcl/json_body.h"
#include "libs/hcl/json_syntax.h"
#include "libs/hcl/native_body.h"
#include "libs/hcl/parser.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

constexpr int kDeepest = 200;

bool IsJson(const Source& source, ParseOptions::Syntax syntax) {
  if (syntax != ParseOptions::Syntax::kAutomatic) return syntax == ParseOptions::Syntax::kJson;
  if (absl::EndsWithIgnoreCase(source.name(), ".json")) return true;
  const size_t first = source.bytes().find_first_not_of(" \t\r\n");
  return first != absl::string_view::npos && source.bytes()[first] == '{';
}

// Of a file that could not be read at all, which was said: nothing is there, and nothing is
// missing.
class UnreadableBody : public BodySource {
 public:
  BodyContent Read(const BodySchema&, Diagnostics&, Body* rest) const override {
    if (rest != nullptr) *rest = Body(std::make_shared<UnreadableBody>());
    return {};
  }
  AttributeMap JustAttributes(Diagnostics&) const override { return {}; }
  SourceRange MissingItemRange() const override { return {}; }
};

// The place of a byte; what stands before it must be valid UTF-8.
SourceRange PlaceOf(size_t byte, const Source& source) {
  const absl::string_view before = source.bytes().substr(0, byte);
  SourcePosition position;
  position.byte = byte;
  position.line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
  const size_t line_start = before.rfind('\n');
  position.column =
      static_cast<int>(CountCodePoints(
          line_start == absl::string_view::npos ? before : before.substr(line_start + 1))) +
      1;
  return {position, position};
}

// Whether the bytes are a text that can be parsed.
bool CheckText(const Source& source, const ParseOptions& options, Diagnostics& diagnostics) {
  const absl::string_view bytes = source.bytes();
  if (bytes.size() > options.max_bytes) {
    diagnostics.AddError(
        "File too large",
        absl::StrCat("The file has ", bytes.size(), " bytes; it may have ", options.max_bytes, "."),
        absl::nullopt);
    return false;
  }
  if (const absl::optional<size_t> invalid = FindInvalidUtf8(bytes)) {
    diagnostics.AddError("Invalid character encoding",
                         "The file must be UTF-8 encoded; these bytes are not.",
                         PlaceOf(*invalid, source));
    return false;
  }
  const size_t nul = bytes.find('\0');
  if (nul != absl::string_view::npos) {
    diagnostics.AddError("Invalid character", "A NUL byte is not used here.", PlaceOf(nul, source));
    return false;
  }
  return true;
}

}  // namespace

File File::Parse(std::string name, std::string bytes, const ParseOptions& options,
                 Diagnostics& diagnostics) {
  auto source = std::make_shared<const Source>(std::move(name), std::move(bytes));
  if (!CheckText(*source, options, diagnostics)) {
    return File(std::move(source), Body(std::make_shared<UnreadableBody>()));
  }
  const int max_depth = std::min(options.max_depth, kDeepest);
  if (IsJson(*source, options.syntax)) {
    const std::shared_ptr<const JsonNode> root = ParseJson(source->bytes(), max_depth, diagnostics);
    Body body =
        root == nullptr ? Body(std::make_shared<UnreadableBody>()) : MakeJsonBody(root, max_depth);
    return File(std::move(source), std::move(body));
  }
  Body body = MakeNativeBody(ParseBody({source->bytes()}, max_depth, diagnostics));
  return File(std::move(source), std::move(body));
}

}  // namespace cloister::hcl
