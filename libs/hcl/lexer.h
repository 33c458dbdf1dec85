// Text to tokens. Templates are part of the token stream: a stack of modes says whether a '}' ends
// a template's interpolation or an object, so no recursion is needed.
#ifndef CLOISTER_LIBS_HCL_LEXER_H_
#define CLOISTER_LIBS_HCL_LEXER_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/source.h"

namespace cloister::hcl {

enum class TokenKind {
  kOpenBrace,
  kCloseBrace,
  kOpenBracket,
  kCloseBracket,
  kOpenParen,
  kCloseParen,
  kStar,
  kSlash,
  kPlus,
  kMinus,
  kPercent,
  kAssign,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAnd,
  kOr,
  kNot,
  kDot,
  kComma,
  kEllipsis,
  kArrow,
  kQuestion,
  kColon,
  kOpenQuote,
  kCloseQuote,
  kOpenHeredoc,    // <<EOT or <<-EOT, with the end of the line.
  kCloseHeredoc,   // EOT, without the end of the line.
  kText,           // In a template, as written; in a heredoc at most to the end of a line.
  kEscape,         // $${ or %%{
  kInterpolation,  // ${ or ${~
  kDirective,      // %{ or %{~
  kTemplateEnd,    // } or ~}
  kNumber,
  kName,
  kNewline,  // Also for a comment up to the end of the line.
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  absl::string_view text;  // Of the text that was given.
  SourceRange range;
};

struct LexerInput {
  absl::string_view text;  // Valid UTF-8; must outlive the tokens.
  SourcePosition start;    // Where the text stands in its file.
  // If not empty: where each byte of the text, and its end, stands. For text that was decoded.
  absl::Span<const SourcePosition> positions;
};

// A file or an expression. The last token is kEnd; each kOpen... and kInterpolation has its end,
// for those that lack it in the text are added (and diagnosed).
std::vector<Token> LexFile(const LexerInput& input, Diagnostics& diagnostics);

// A template without quotes, as in a string of a JSON file: its text has no escapes but kEscape.
std::vector<Token> LexTemplate(const LexerInput& input, Diagnostics& diagnostics);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_LEXER_H_
