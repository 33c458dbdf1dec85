// A file of HCL2 in its native syntax or its JSON form.
//
//   Diagnostics diagnostics;
//   File file = File::Parse("web.hcl", bytes, {}, diagnostics);
//   EvaluationScope scope;
//   scope.SetFunctions(&StandardFunctions());
//   Body body = DefineVariables(file.body(), given, scope, diagnostics);
//   BodyContent content = body.Content(schema, diagnostics);
//   ...
//   if (diagnostics.HasErrors()) std::cerr << RenderDiagnostics(diagnostics, file.source());
#ifndef CLOISTER_LIBS_HCL_FILE_H_
#define CLOISTER_LIBS_HCL_FILE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "libs/hcl/content.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/source.h"

namespace cloister::hcl {

struct ParseOptions {
  enum class Syntax {
    kAutomatic,  // JSON if the name ends in ".json" or the first character is a '{'.
    kNative,
    kJson,
  };
  Syntax syntax = Syntax::kAutomatic;
  size_t max_bytes = 1 << 20;
  // Of blocks and of expressions. Deeper is an error. At most 200: parsing and evaluating recurse.
  int max_depth = 100;
};

class File {
 public:
  // Never fails: what is wrong is in `diagnostics`, and the body holds what could be read, so that
  // a caller can go on and report what else is wrong. Text that is too large, is not UTF-8, holds a
  // NUL or is broken JSON gives an empty body, of which nothing is said to be missing.
  static File Parse(std::string name, std::string bytes, const ParseOptions& options,
                    Diagnostics& diagnostics);

  const Body& body() const { return body_; }
  const Source& source() const { return *source_; }

 private:
  File(std::shared_ptr<const Source> source, Body body)
      : source_(std::move(source)), body_(std::move(body)) {}

  std::shared_ptr<const Source> source_;
  Body body_;
};

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_FILE_H_
