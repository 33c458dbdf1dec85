// HCL's native syntax: a text to the syntax tree of its body, or of one expression or template.
//
// Everything that is wrong is diagnosed: after an error the parser goes on with the next attribute
// or block.
#ifndef CLOISTER_LIBS_HCL_PARSER_H_
#define CLOISTER_LIBS_HCL_PARSER_H_

#include <memory>

#include "libs/hcl/body_syntax.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/lexer.h"
#include "libs/hcl/syntax.h"

namespace cloister::hcl {

// A file. Never null.
std::shared_ptr<const BodySyntax> ParseBody(const LexerInput& input, int max_depth,
                                            Diagnostics& diagnostics);

// The whole text is one expression; null after an error.
ExpressionPointer ParseSingleExpression(const LexerInput& input, int max_depth,
                                        Diagnostics& diagnostics);

// The whole text is a template, without quotes and escapes; null after an error.
ExpressionPointer ParseBareTemplate(const LexerInput& input, int max_depth,
                                    Diagnostics& diagnostics);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_PARSER_H_
