#include "libs/hcl/parser.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "libs/hcl/expression_parser.h"

namespace cloister::hcl {
namespace {

bool Opens(TokenKind kind) {
  return kind == TokenKind::kOpenBrace || kind == TokenKind::kOpenBracket ||
         kind == TokenKind::kOpenParen || kind == TokenKind::kInterpolation ||
         kind == TokenKind::kDirective;
}

TokenKind CloserOf(TokenKind opener) {
  switch (opener) {
    case TokenKind::kOpenBrace:
      return TokenKind::kCloseBrace;
    case TokenKind::kOpenBracket:
      return TokenKind::kCloseBracket;
    case TokenKind::kOpenParen:
      return TokenKind::kCloseParen;
    default:
      return TokenKind::kTemplateEnd;
  }
}

// How many open brackets a closing one is compared with after an error.
constexpr size_t kSearchedBrackets = 100;

class BodyParser {
 public:
  BodyParser(absl::Span<const Token> tokens, int max_depth, Diagnostics& diagnostics)
      : tokens_(tokens),
        reader_(tokens),
        expressions_(reader_, max_depth, diagnostics),
        diagnostics_(diagnostics) {}

  std::shared_ptr<const BodySyntax> ParseFile() {
    auto body = std::make_shared<BodySyntax>();
    const SourcePosition start = tokens_.front().range.start;
    body->missing_item_range = {start, start};
    ParseItems(TokenKind::kEnd, *body);
    return body;
  }

 private:
  using Names = std::map<std::string, SourceRange>;

  bool ParseItems(TokenKind end, BodySyntax& body);
  bool ParseItem(BodySyntax& body, Names& names);
  bool ParseAttribute(const Token& name, BodySyntax& body, Names& names);
  bool ParseBlock(const Token& type, BodySyntax& body);
  bool ParseLabels(BlockSyntax& block);
  bool ParseBlockBody(const Token& open, BodySyntax& body);
  bool ParseSingleLineBody(BodySyntax& body);
  bool ExpectEndOfLine(absl::string_view after);
  void Recover(size_t item_start);
  bool LooksLikeItem(size_t at) const;

  absl::Span<const Token> tokens_;
  TokenReader reader_;
  ExpressionParser expressions_;
  Diagnostics& diagnostics_;
};

// Stands behind `end` afterwards; false if the file ended first.
bool BodyParser::ParseItems(TokenKind end, BodySyntax& body) {
  Names names;
  while (true) {
    const Token& token = reader_.Peek();
    if (token.kind == end || token.kind == TokenKind::kEnd) break;
    if (token.kind == TokenKind::kNewline) {
      reader_.Next();
      continue;
    }
    const size_t start = reader_.index();
    if (!ParseItem(body, names)) Recover(start);
  }
  const bool closed = reader_.PeekKind() == end;
  reader_.Next();
  return closed;
}

bool BodyParser::ParseItem(BodySyntax& body, Names& names) {
  const Token token = reader_.Peek();
  if (token.kind == TokenKind::kOpenQuote) {
    diagnostics_.AddError("Invalid argument name",
                          "The names of arguments and the types of blocks have no quotes.",
                          token.range);
    return false;
  }
  if (token.kind != TokenKind::kName) {
    diagnostics_.AddError("Argument or block definition required",
                          absl::StrCat("Here stands an argument (name = value) or a block (name { "
                                       "... }), not ",
                                       TokenInWords(token), "."),
                          token.range);
    reader_.Next();
    return false;
  }
  reader_.Next();
  switch (reader_.PeekKind()) {
    case TokenKind::kAssign:
      return ParseAttribute(token, body, names) && ExpectEndOfLine("argument");
    case TokenKind::kOpenBrace:
    case TokenKind::kOpenQuote:
    case TokenKind::kName:
      return ParseBlock(token, body);
    case TokenKind::kColon:
      diagnostics_.AddError("Invalid argument definition",
                            "A \"=\" stands between an argument's name and its value.",
                            reader_.Peek().range);
      return false;
    default:
      diagnostics_.AddError(
          "Invalid block definition",
          absl::StrCat("After a name stands \"=\" and a value, or a block: labels "
                       "and \"{\". Found ",
                       TokenInWords(reader_.Peek()), "."),
          reader_.Peek().range);
      return false;
  }
}

bool BodyParser::ParseAttribute(const Token& name, BodySyntax& body, Names& names) {
  reader_.Next();
  AttributeSyntax attribute;
  attribute.name = std::string(name.text);
  attribute.name_range = name.range;
  attribute.expression = expressions_.ParseExpression();
  if (attribute.expression == nullptr) {
    body.broken_attributes.insert(std::move(attribute.name));
    return false;
  }
  attribute.range = SourceRange::Between(name.range, attribute.expression->range);
  const auto [first, is_new] = names.emplace(attribute.name, name.range);
  if (is_new) {
    body.attributes.push_back(std::move(attribute));
  } else {
    diagnostics_.AddError(
        "Attribute redefined",
        absl::StrCat("The argument \"", attribute.name, "\" was already set on line ",
                     first->second.start.line, ". Each argument may be set only once."),
        name.range);
  }
  return true;
}

bool BodyParser::ExpectEndOfLine(absl::string_view after) {
  const TokenKind kind = reader_.PeekKind();
  if (kind == TokenKind::kNewline || kind == TokenKind::kEnd) return true;
  diagnostics_.AddError(absl::StrCat("Missing newline after ", after),
                        absl::StrCat("Each argument and each block ends with its line. Found ",
                                     TokenInWords(reader_.Peek()), "."),
                        reader_.Peek().range);
  return false;
}

bool BodyParser::ParseLabels(BlockSyntax& block) {
  while (reader_.PeekKind() != TokenKind::kOpenBrace) {
    const Token token = reader_.Peek();
    if (token.kind == TokenKind::kName) {
      reader_.Next();
      block.labels.emplace_back(token.text);
      block.label_ranges.push_back(token.range);
    } else if (token.kind == TokenKind::kOpenQuote) {
      absl::optional<std::string> label = expressions_.ParseQuotedText();
      if (!label) return false;
      block.labels.push_back(*std::move(label));
      block.label_ranges.push_back(SourceRange::Between(token.range, reader_.Last().range));
    } else {
      expressions_.Unexpected("Invalid block definition",
                              "a label, or \"{\" to begin the block's content");
      return false;
    }
  }
  return true;
}

bool BodyParser::ParseBlock(const Token& type, BodySyntax& body) {
  BlockSyntax block;
  block.type = std::string(type.text);
  block.type_range = type.range;
  if (!ParseLabels(block)) return false;
  block.head_range = block.label_ranges.empty()
                         ? type.range
                         : SourceRange::Between(type.range, block.label_ranges.back());
  const Token open = reader_.Next();
  auto content = std::make_shared<BodySyntax>();
  content->missing_item_range = block.head_range;
  const absl::Cleanup leave = [this] { expressions_.Leave(); };
  if (!expressions_.Enter(block.head_range)) return false;
  const bool ok = ParseBlockBody(open, *content);
  // What could be read is kept after an error too, so that it is not said to be missing.
  block.body = std::move(content);
  body.blocks.push_back(std::move(block));
  return ok;
}

bool BodyParser::ParseBlockBody(const Token& open, BodySyntax& body) {
  if (reader_.PeekKind() != TokenKind::kNewline) return ParseSingleLineBody(body);
  if (!ParseItems(TokenKind::kCloseBrace, body)) {
    diagnostics_.AddError("Unclosed configuration block",
                          "There is no closing brace for this block before the end of the file. "
                          "This may be caused by incorrect nesting elsewhere in the file.",
                          open.range);
    return true;
  }
  return ExpectEndOfLine("block definition");
}

// { name = value }
bool BodyParser::ParseSingleLineBody(BodySyntax& body) {
  Names names;
  if (reader_.PeekKind() == TokenKind::kName) {
    const Token name = reader_.Next();
    if (reader_.PeekKind() != TokenKind::kAssign) {
      diagnostics_.AddError("Invalid single-argument block definition",
                            "A block on one line holds one argument. A block within a block begins "
                            "on a line of its own.",
                            reader_.Peek().range);
      return false;
    }
    if (!ParseAttribute(name, body, names)) return false;
  }
  if (reader_.PeekKind() != TokenKind::kCloseBrace) {
    diagnostics_.AddError("Invalid single-argument block definition",
                          absl::StrCat("A block on one line holds one argument and the closing "
                                       "brace. Found ",
                                       TokenInWords(reader_.Peek()), "."),
                          reader_.Peek().range);
    return false;
  }
  reader_.Next();
  return ExpectEndOfLine("block definition");
}

// `name =`, `name {`, `name "label"`: a line that begins so is no part of an expression.
bool BodyParser::LooksLikeItem(size_t at) const {
  if (at + 1 >= tokens_.size() || tokens_[at].kind != TokenKind::kName) return false;
  const TokenKind next = tokens_[at + 1].kind;
  return next == TokenKind::kAssign || next == TokenKind::kOpenBrace ||
         next == TokenKind::kOpenQuote;
}

// To the end of the item that began at `item_start`: the end of a line outside of all brackets, or
// the brace that closes the block around it. An error was met at or before the reader's place.
void BodyParser::Recover(size_t item_start) {
  const size_t error_at = reader_.index();
  std::vector<TokenKind> open;
  size_t at = item_start;
  for (; tokens_[at].kind != TokenKind::kEnd; ++at) {
    const TokenKind kind = tokens_[at].kind;
    if (kind == TokenKind::kNewline && at >= error_at) {
      if (open.empty()) break;
      // A bracket that was left open must not hide the rest of the file.
      if (open.back() != TokenKind::kOpenBrace && LooksLikeItem(at + 1)) break;
    }
    if (Opens(kind)) {
      open.push_back(CloserOf(kind));
      continue;
    }
    if (kind == TokenKind::kCloseBrace && open.empty() && at >= error_at) break;
    const auto oldest = open.rbegin() + std::min(open.size(), kSearchedBrackets);
    const auto match = std::find(open.rbegin(), oldest, kind);
    if (match != oldest) open.erase(std::prev(match.base()), open.end());
  }
  reader_.Rewind(std::max(at, error_at));
}

}  // namespace

std::shared_ptr<const BodySyntax> ParseBody(const LexerInput& input, int max_depth,
                                            Diagnostics& diagnostics) {
  const std::vector<Token> tokens = LexFile(input, diagnostics);
  return BodyParser(tokens, max_depth, diagnostics).ParseFile();
}

ExpressionPointer ParseSingleExpression(const LexerInput& input, int max_depth,
                                        Diagnostics& diagnostics) {
  const size_t errors = diagnostics.ErrorCount();
  const std::vector<Token> tokens = LexFile(input, diagnostics);
  TokenReader reader(tokens);
  const TokenReader::Newlines newlines(reader, /*skip=*/true);
  ExpressionParser parser(reader, max_depth, diagnostics);
  ExpressionPointer expression = parser.ParseExpression();
  if (expression == nullptr) return nullptr;
  if (reader.PeekKind() != TokenKind::kEnd) {
    return parser.Unexpected("Extra characters after expression", "nothing more");
  }
  return diagnostics.ErrorCount() == errors ? expression : nullptr;
}

ExpressionPointer ParseBareTemplate(const LexerInput& input, int max_depth,
                                    Diagnostics& diagnostics) {
  const size_t errors = diagnostics.ErrorCount();
  const std::vector<Token> tokens = LexTemplate(input, diagnostics);
  TokenReader reader(tokens);
  ExpressionParser parser(reader, max_depth, diagnostics);
  ExpressionPointer expression = parser.ParseTemplate(TokenKind::kEnd, input.start);
  return diagnostics.ErrorCount() == errors ? expression : nullptr;
}

}  // namespace cloister::hcl
