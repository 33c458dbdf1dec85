// Reads the input as a file of both syntaxes, evaluates everything in it, renders what is wrong and
// checks what must hold for any input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/hcl/body_syntax.h"
#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/dynamic_blocks.h"
#include "libs/hcl/evaluation.h"
#include "libs/hcl/file.h"
#include "libs/hcl/functions.h"
#include "libs/hcl/json_text.h"
#include "libs/hcl/parser.h"
#include "libs/hcl/syntax.h"
#include "libs/hcl/unicode.h"
#include "libs/hcl/value.h"
#include "libs/hcl/variables.h"

namespace cloister::hcl {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

EvaluationLimits SmallLimits() {
  EvaluationLimits limits;
  limits.steps = 20000;
  limits.value_bytes = 1 << 16;
  limits.total_bytes = 1 << 20;
  return limits;
}

EvaluationScope MakeScope() {
  EvaluationScope scope(SmallLimits());
  scope.SetFunctions(&StandardFunctions());
  scope.SetDeferred([](absl::string_view root) { return root == "attr" || root == "env"; });
  return scope;
}

// A value or an error, never neither; what is made reads back.
void EvaluateOne(const Expression& expression, const EvaluationScope& scope, bool has_invalid) {
  Diagnostics diagnostics;
  const absl::optional<Value> value = Evaluate(expression, scope, diagnostics);
  // What refers to something invalid has no error of its own: not checked where that may be.
  Check(value.has_value() || diagnostics.HasErrors() || has_invalid);
  if (value) Check(!FindInvalidUtf8(JsonText(*value)));
}

void EvaluateAll(const BodySyntax& body, const EvaluationScope& scope) {
  for (const AttributeSyntax& attribute : body.attributes)
    EvaluateOne(*attribute.expression, scope, false);
  for (const BlockSyntax& block : body.blocks) EvaluateAll(*block.body, scope);
}

// As a reader of task files would, so that bodies of both syntaxes are read by a schema.
void ReadBySchema(const Body& body, const EvaluationScope& scope, int depth,
                  Diagnostics& diagnostics) {
  const BodySchema schema = {
      {{"driver", true}, {"command"}, {"args"}, {"a"}, {"b"}},
      {{"job", {"name"}}, {"task", {"name"}}, {"config", {}}, {"p", {"q", "r"}}}};
  Body rest;
  const BodyContent content = body.PartialContent(schema, diagnostics, &rest);
  for (const auto& [name, attribute] : content.attributes)
    EvaluateOne(*attribute.expression, scope, true);
  for (const auto& [name, attribute] : rest.JustAttributes(diagnostics)) {
    EvaluateOne(*attribute.expression, scope, true);
    EvaluateTextList(attribute, scope, diagnostics);
  }
  content.AtMostOne("config", diagnostics);
  body.Content(schema, diagnostics);
  if (depth == 0) return;
  for (const Block& block : content.blocks) ReadBySchema(block.body, scope, depth - 1, diagnostics);
}

void ReadFile(absl::string_view text, ParseOptions::Syntax syntax) {
  Diagnostics diagnostics;
  ParseOptions options;
  options.syntax = syntax;
  const File file = File::Parse("fuzz", std::string(text), options, diagnostics);
  EvaluationScope scope = MakeScope();
  const Body rest = DefineVariables(file.body(), {{"a", "1"}}, scope, diagnostics);
  ReadBySchema(ExpandDynamicBlocks(rest, scope), scope, 4, diagnostics);
  const std::string rendered = RenderDiagnostics(diagnostics, file.source());
  Check(!FindInvalidUtf8(rendered));
  for (const char c : rendered) Check(c == '\n' || static_cast<uint8_t>(c) >= 0x20);
}

}  // namespace
}  // namespace cloister::hcl

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cloister::hcl::ParseOptions;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  cloister::hcl::ReadFile(text, ParseOptions::Syntax::kNative);
  cloister::hcl::ReadFile(text, ParseOptions::Syntax::kJson);
  if (!cloister::hcl::FindInvalidUtf8(text)) {
    cloister::hcl::Diagnostics diagnostics;
    const auto body = cloister::hcl::ParseBody({text}, 100, diagnostics);
    cloister::hcl::EvaluateAll(*body, cloister::hcl::MakeScope());
  }
  return 0;
}
