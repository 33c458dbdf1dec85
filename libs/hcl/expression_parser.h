// Tokens to expressions and templates.
#ifndef CLOISTER_LIBS_HCL_EXPRESSION_PARSER_H_
#define CLOISTER_LIBS_HCL_EXPRESSION_PARSER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "libs/hcl/diagnostic.h"
#include "libs/hcl/lexer.h"
#include "libs/hcl/source.h"
#include "libs/hcl/syntax.h"

namespace cloister::hcl {

// Reads tokens with one token of lookahead (and more for PeekAfter). Within brackets the ends of
// lines mean nothing: then they are skipped.
class TokenReader {
 public:
  explicit TokenReader(absl::Span<const Token> tokens) : tokens_(tokens) {}

  const Token& Peek() const { return tokens_[Skip(at_)]; }
  TokenKind PeekKind() const { return Peek().kind; }
  // The token after the next one.
  const Token& PeekAfter() const;
  const Token& Next();
  // The last token that was read; not before the first Next().
  const Token& Last() const { return tokens_[last_]; }

  size_t index() const { return at_; }
  void Rewind(size_t index) { at_ = index; }

  // For as long as it lives, ends of lines are skipped, or not.
  class Newlines {
   public:
    Newlines(TokenReader& reader, bool skip) : reader_(reader), before_(reader.skip_newlines_) {
      reader.skip_newlines_ = skip;
    }
    ~Newlines() { reader_.skip_newlines_ = before_; }
    Newlines(const Newlines&) = delete;
    Newlines& operator=(const Newlines&) = delete;

   private:
    TokenReader& reader_;
    bool before_;
  };

 private:
  size_t Skip(size_t at) const;

  absl::Span<const Token> tokens_;  // The last one is kEnd.
  size_t at_ = 0;
  size_t last_ = 0;
  bool skip_newlines_ = false;
};

// Null (or false) means that an error was diagnosed; the reader then stands somewhere behind it.
class ExpressionParser {
 public:
  ExpressionParser(TokenReader& reader, int max_depth, Diagnostics& diagnostics)
      : reader_(reader), max_depth_(max_depth), diagnostics_(diagnostics) {}

  ExpressionPointer ParseExpression();

  // A template up to `end`, which is read too.
  ExpressionPointer ParseTemplate(TokenKind end, const SourcePosition& start);

  // "text" without templates, as a label is. None after an error.
  absl::optional<std::string> ParseQuotedText();

  // One level deeper; false, with an error, if that is too deep. Each Enter() has its Leave().
  bool Enter(const SourceRange& range);
  void Leave() { --depth_; }

  // An error at the next token, saying what would have been right: "Expected ..., found ...".
  std::nullptr_t Unexpected(absl::string_view summary, absl::string_view expected);

 private:
  friend class TemplateParser;

  ExpressionPointer ParseConditional();
  ExpressionPointer ParseBinary(int level);
  ExpressionPointer ParseUnary();
  ExpressionPointer ParseTerm();
  ExpressionPointer ParsePrimary();
  ExpressionPointer ParseNumber();
  ExpressionPointer ParseParentheses();
  ExpressionPointer ParseName();
  ExpressionPointer ParseCall(const Token& name);
  ExpressionPointer ParseTuple();
  ExpressionPointer ParseObject();
  bool ParseObjectItem(ObjectExpression& object);
  ExpressionPointer ParseFor(const Token& open, bool is_object);

  bool ParseSteps(TraversalSteps& steps);
  bool ParseDotStep(TraversalSteps& steps);
  bool ParseLegacyIndex(TraversalSteps& steps);
  bool ParseBracketStep(TraversalSteps& steps);

  // Reads the token if it is of the kind.
  bool Accept(TokenKind kind);
  bool AcceptName(absl::string_view name);
  // The same, or an error.
  bool Expect(TokenKind kind, absl::string_view summary, absl::string_view expected);
  absl::optional<std::string> ExpectName(absl::string_view summary, absl::string_view expected);
  // `key, value in collection`, behind `for`.
  bool ParseForIntroduction(std::string& key_name, std::string& value_name,
                            ExpressionPointer& collection);
  // Decodes the escapes of quoted text.
  absl::optional<std::string> Unescape(const Token& token);

  TokenReader& reader_;
  const int max_depth_;
  int depth_ = 0;
  Diagnostics& diagnostics_;
};

// What a token is called in messages: "the end of the file", "\"=\"".
std::string TokenInWords(const Token& token);

}  // namespace cloister::hcl

#endif  // CLOISTER_LIBS_HCL_EXPRESSION_PARSER_H_
