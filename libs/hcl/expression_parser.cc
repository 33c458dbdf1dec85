#include "libs/hcl/expression_parser.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

// From the loosest to the tightest.
struct OperatorToken {
  TokenKind token;
  BinaryOperator op;
  int level;
};
constexpr OperatorToken kOperators[] = {
    {TokenKind::kOr, BinaryOperator::kOr, 0},
    {TokenKind::kAnd, BinaryOperator::kAnd, 1},
    {TokenKind::kEqual, BinaryOperator::kEqual, 2},
    {TokenKind::kNotEqual, BinaryOperator::kNotEqual, 2},
    {TokenKind::kLess, BinaryOperator::kLess, 3},
    {TokenKind::kLessOrEqual, BinaryOperator::kLessOrEqual, 3},
    {TokenKind::kGreater, BinaryOperator::kGreater, 3},
    {TokenKind::kGreaterOrEqual, BinaryOperator::kGreaterOrEqual, 3},
    {TokenKind::kPlus, BinaryOperator::kAdd, 4},
    {TokenKind::kMinus, BinaryOperator::kSubtract, 4},
    {TokenKind::kStar, BinaryOperator::kMultiply, 5},
    {TokenKind::kSlash, BinaryOperator::kDivide, 5},
    {TokenKind::kPercent, BinaryOperator::kModulo, 5},
};
constexpr int kUnaryLevel = 6;

const OperatorToken* OperatorOf(TokenKind token, int level) {
  const auto* found =
      std::find_if(std::begin(kOperators), std::end(kOperators),
                   [&](const OperatorToken& op) { return op.token == token && op.level == level; });
  return found == std::end(kOperators) ? nullptr : found;
}

// Of what a message quotes from the file.
constexpr size_t kShownTokenBytes = 40;

}  // namespace

std::string TokenInWords(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the file";
    case TokenKind::kNewline:
      return "the end of the line";
    case TokenKind::kOpenQuote:
      return "a string";
    case TokenKind::kOpenHeredoc:
      return "a heredoc";
    case TokenKind::kTemplateEnd:
      return "the end of the template sequence";
    default:
      if (token.text.size() > kShownTokenBytes) return "something else";
      return absl::StrCat("\"", token.text, "\"");
  }
}

size_t TokenReader::Skip(size_t at) const {
  while (skip_newlines_ && tokens_[at].kind == TokenKind::kNewline) ++at;
  return at;
}

const Token& TokenReader::PeekAfter() const {
  const size_t at = Skip(at_);
  return tokens_[at].kind == TokenKind::kEnd ? tokens_[at] : tokens_[Skip(at + 1)];
}

const Token& TokenReader::Next() {
  last_ = Skip(at_);
  at_ = tokens_[last_].kind == TokenKind::kEnd ? last_ : last_ + 1;
  return tokens_[last_];
}

bool ExpressionParser::Enter(const SourceRange& range) {
  if (++depth_ <= max_depth_) return true;
  diagnostics_.AddError("Nested too deep",
                        absl::StrCat("There may be at most ", max_depth_, " levels of nesting."),
                        range);
  return false;
}

std::nullptr_t ExpressionParser::Unexpected(absl::string_view summary, absl::string_view expected) {
  const Token& token = reader_.Peek();
  diagnostics_.AddError(summary,
                        absl::StrCat("Expected ", expected, ", found ", TokenInWords(token), "."),
                        token.range);
  return nullptr;
}

bool ExpressionParser::Accept(TokenKind kind) {
  if (reader_.PeekKind() != kind) return false;
  reader_.Next();
  return true;
}

bool ExpressionParser::AcceptName(absl::string_view name) {
  return reader_.Peek().text == name && Accept(TokenKind::kName);
}

bool ExpressionParser::Expect(TokenKind kind, absl::string_view summary,
                              absl::string_view expected) {
  if (Accept(kind)) return true;
  Unexpected(summary, expected);
  return false;
}

absl::optional<std::string> ExpressionParser::ExpectName(absl::string_view summary,
                                                         absl::string_view expected) {
  if (!Expect(TokenKind::kName, summary, expected)) return absl::nullopt;
  return std::string(reader_.Last().text);
}

ExpressionPointer ExpressionParser::ParseExpression() {
  const absl::Cleanup leave = [this] { Leave(); };
  if (!Enter(reader_.Peek().range)) return nullptr;
  return ParseConditional();
}

ExpressionPointer ExpressionParser::ParseConditional() {
  ExpressionPointer condition = ParseBinary(0);
  if (condition == nullptr || !Accept(TokenKind::kQuestion)) return condition;
  ExpressionPointer then_value = ParseExpression();
  if (then_value == nullptr) return nullptr;
  if (!Expect(TokenKind::kColon, "Missing false expression in conditional",
              "\":\" and the value for a false condition")) {
    return nullptr;
  }
  ExpressionPointer else_value = ParseExpression();
  if (else_value == nullptr) return nullptr;
  const SourceRange range = SourceRange::Between(condition->range, else_value->range);
  return MakeExpression(range, ConditionalExpression{std::move(condition), std::move(then_value),
                                                     std::move(else_value)});
}

ExpressionPointer ExpressionParser::ParseBinary(int level) {
  if (level == kUnaryLevel) return ParseUnary();
  ExpressionPointer first = ParseBinary(level + 1);
  if (first == nullptr) return nullptr;
  BinaryExpression binary;
  while (const OperatorToken* op = OperatorOf(reader_.PeekKind(), level)) {
    const SourceRange op_range = reader_.Next().range;
    ExpressionPointer operand = ParseBinary(level + 1);
    if (operand == nullptr) return nullptr;
    binary.terms.push_back({op->op, op_range, std::move(operand)});
  }
  if (binary.terms.empty()) return first;
  const SourceRange range = SourceRange::Between(first->range, binary.terms.back().operand->range);
  binary.first = std::move(first);
  return MakeExpression(range, std::move(binary));
}

ExpressionPointer ExpressionParser::ParseUnary() {
  const Token op = reader_.Peek();
  if (op.kind != TokenKind::kNot && op.kind != TokenKind::kMinus) return ParseTerm();
  reader_.Next();
  const absl::Cleanup leave = [this] { Leave(); };
  if (!Enter(op.range)) return nullptr;
  ExpressionPointer operand = ParseUnary();
  if (operand == nullptr) return nullptr;
  const SourceRange range = SourceRange::Between(op.range, operand->range);
  return MakeExpression(range, UnaryExpression{op.kind == TokenKind::kNot ? UnaryOperator::kNot
                                                                          : UnaryOperator::kNegate,
                                               std::move(operand)});
}

ExpressionPointer ExpressionParser::ParseTerm() {
  ExpressionPointer base = ParsePrimary();
  if (base == nullptr) return nullptr;
  TraversalSteps steps;
  if (!ParseSteps(steps)) return nullptr;
  if (steps.empty()) return base;
  const SourceRange range = SourceRange::Between(base->range, steps.back().range);
  return MakeExpression(range, TraversalExpression{std::move(base), std::move(steps)});
}

ExpressionPointer ExpressionParser::ParsePrimary() {
  switch (reader_.PeekKind()) {
    case TokenKind::kNumber:
      return ParseNumber();
    case TokenKind::kName:
      return ParseName();
    case TokenKind::kOpenQuote: {
      const SourcePosition start = reader_.Next().range.start;
      return ParseTemplate(TokenKind::kCloseQuote, start);
    }
    case TokenKind::kOpenHeredoc: {
      const SourcePosition start = reader_.Next().range.start;
      return ParseTemplate(TokenKind::kCloseHeredoc, start);
    }
    case TokenKind::kOpenParen:
      return ParseParentheses();
    case TokenKind::kOpenBracket:
      return ParseTuple();
    case TokenKind::kOpenBrace:
      return ParseObject();
    case TokenKind::kNewline:
    case TokenKind::kEnd:
    case TokenKind::kTemplateEnd:
      return Unexpected("Missing expression", "the start of an expression");
    default:
      return Unexpected("Invalid expression", "the start of an expression");
  }
}

ExpressionPointer ExpressionParser::ParseNumber() {
  const Token& token = reader_.Next();
  const absl::optional<Value> number = Value::String(std::string(token.text)).ToNumber();
  if (!number) {
    diagnostics_.AddError("Number out of range",
                          "A number has at most 308 digits before the point.", token.range);
    return nullptr;
  }
  return MakeExpression(token.range, LiteralExpression{*number});
}

ExpressionPointer ExpressionParser::ParseParentheses() {
  const SourceRange open = reader_.Next().range;
  ExpressionPointer inner;
  {
    const TokenReader::Newlines newlines(reader_, /*skip=*/true);
    inner = ParseExpression();
    if (inner == nullptr) return nullptr;
    if (!Expect(TokenKind::kCloseParen, "Unbalanced parentheses", "a closing parenthesis")) {
      return nullptr;
    }
  }
  auto result = std::make_shared<Expression>(*inner);
  result->range = SourceRange::Between(open, reader_.Last().range);
  result->parenthesised = true;
  return result;
}

ExpressionPointer ExpressionParser::ParseName() {
  const Token name = reader_.Next();
  if (reader_.PeekKind() == TokenKind::kOpenParen) return ParseCall(name);
  if (name.text == "true" || name.text == "false") {
    return MakeExpression(name.range, LiteralExpression{Value::Bool(name.text == "true")});
  }
  if (name.text == "null") return MakeExpression(name.range, LiteralExpression{});
  return MakeExpression(name.range, VariableExpression{std::string(name.text)});
}

ExpressionPointer ExpressionParser::ParseCall(const Token& name) {
  CallExpression call;
  call.name = std::string(name.text);
  call.name_range = name.range;
  reader_.Next();
  const TokenReader::Newlines newlines(reader_, /*skip=*/true);
  while (!Accept(TokenKind::kCloseParen)) {
    ExpressionPointer argument = ParseExpression();
    if (argument == nullptr) return nullptr;
    call.arguments.push_back(std::move(argument));
    if (Accept(TokenKind::kEllipsis)) {
      call.expand_last = true;
      Accept(TokenKind::kComma);
      if (!Expect(TokenKind::kCloseParen, "Missing closing parenthesis",
                  "a closing parenthesis: an expanded argument is the last one")) {
        return nullptr;
      }
      break;
    }
    if (Accept(TokenKind::kComma)) continue;
    if (reader_.PeekKind() != TokenKind::kCloseParen) {
      return Unexpected("Missing argument separator",
                        "a comma or a closing parenthesis after a function's argument");
    }
  }
  return MakeExpression(SourceRange::Between(name.range, reader_.Last().range), std::move(call));
}

ExpressionPointer ExpressionParser::ParseTuple() {
  const Token open = reader_.Next();
  const TokenReader::Newlines newlines(reader_, /*skip=*/true);
  if (AcceptName("for")) return ParseFor(open, /*is_object=*/false);
  TupleExpression tuple;
  while (!Accept(TokenKind::kCloseBracket)) {
    ExpressionPointer element = ParseExpression();
    if (element == nullptr) return nullptr;
    tuple.elements.push_back(std::move(element));
    if (Accept(TokenKind::kComma)) continue;
    if (reader_.PeekKind() != TokenKind::kCloseBracket) {
      return Unexpected("Missing item separator",
                        "a comma or a closing bracket after a list's item");
    }
  }
  return MakeExpression(SourceRange::Between(open.range, reader_.Last().range), std::move(tuple));
}

ExpressionPointer ExpressionParser::ParseObject() {
  const Token open = reader_.Next();
  {
    const TokenReader::Newlines newlines(reader_, /*skip=*/true);
    if (AcceptName("for")) return ParseFor(open, /*is_object=*/true);
  }
  const TokenReader::Newlines newlines(reader_, /*skip=*/false);
  ObjectExpression object;
  while (true) {
    while (Accept(TokenKind::kNewline)) continue;
    if (Accept(TokenKind::kCloseBrace)) break;
    if (!ParseObjectItem(object)) return nullptr;
    if (Accept(TokenKind::kComma) || Accept(TokenKind::kNewline)) continue;
    if (reader_.PeekKind() != TokenKind::kCloseBrace) {
      return Unexpected("Missing attribute separator",
                        "a comma, a new line or a closing brace after an object's attribute");
    }
  }
  return MakeExpression(SourceRange::Between(open.range, reader_.Last().range), std::move(object));
}

bool ExpressionParser::ParseObjectItem(ObjectExpression& object) {
  ExpressionPointer key = ParseExpression();
  if (key == nullptr) return false;
  if (!key->parenthesised) {
    if (const auto* name = absl::get_if<VariableExpression>(&key->node)) {
      key = MakeExpression(key->range, LiteralExpression{Value::String(name->name)});
    } else if (absl::holds_alternative<TraversalExpression>(key->node)) {
      diagnostics_.AddError("Ambiguous attribute key",
                            "An expression as key needs parentheses: (a.b) = value. For the text "
                            "itself use quotes.",
                            key->range);
      return false;
    }
  }
  if (!Accept(TokenKind::kAssign) && !Expect(TokenKind::kColon, "Missing attribute value",
                                             "\"=\" or \":\" after an attribute's key")) {
    return false;
  }
  ExpressionPointer value = ParseExpression();
  if (value == nullptr) return false;
  object.items.push_back({std::move(key), std::move(value)});
  return true;
}

bool ExpressionParser::ParseForIntroduction(std::string& key_name, std::string& value_name,
                                            ExpressionPointer& collection) {
  constexpr absl::string_view kInvalid = "Invalid 'for' expression";
  absl::optional<std::string> name = ExpectName(kInvalid, "a variable's name after 'for'");
  if (!name) return false;
  if (Accept(TokenKind::kComma)) {
    key_name = *std::move(name);
    name = ExpectName(kInvalid, "a second variable's name after the comma");
    if (!name) return false;
  }
  value_name = *std::move(name);
  if (!AcceptName("in")) {
    Unexpected(kInvalid, "'in' and a collection after the names of variables");
    return false;
  }
  collection = ParseExpression();
  return collection != nullptr;
}

ExpressionPointer ExpressionParser::ParseFor(const Token& open, bool is_object) {
  constexpr absl::string_view kInvalid = "Invalid 'for' expression";
  const TokenReader::Newlines newlines(reader_, /*skip=*/true);
  ForExpression loop;
  if (!ParseForIntroduction(loop.key_name, loop.value_name, loop.collection)) return nullptr;
  if (!Expect(TokenKind::kColon, kInvalid, "a colon after the collection")) return nullptr;
  loop.value = ParseExpression();
  if (loop.value == nullptr) return nullptr;
  if (is_object) {
    loop.key = std::move(loop.value);
    if (!Expect(TokenKind::kArrow, kInvalid, "\"=>\" and a value after the key")) return nullptr;
    loop.value = ParseExpression();
    if (loop.value == nullptr) return nullptr;
    loop.group = Accept(TokenKind::kEllipsis);
  }
  if (AcceptName("if")) {
    loop.condition = ParseExpression();
    if (loop.condition == nullptr) return nullptr;
  }
  const bool closed = is_object ? Expect(TokenKind::kCloseBrace, kInvalid, "a closing brace")
                                : Expect(TokenKind::kCloseBracket, kInvalid, "a closing bracket");
  if (!closed) return nullptr;
  return MakeExpression(SourceRange::Between(open.range, reader_.Last().range), std::move(loop));
}

bool ExpressionParser::ParseSteps(TraversalSteps& steps) {
  while (true) {
    if (reader_.PeekKind() == TokenKind::kDot) {
      if (!ParseDotStep(steps)) return false;
    } else if (reader_.PeekKind() == TokenKind::kOpenBracket) {
      if (!ParseBracketStep(steps)) return false;
    } else {
      return true;
    }
  }
}

bool ExpressionParser::ParseDotStep(TraversalSteps& steps) {
  const SourceRange dot = reader_.Next().range;
  switch (reader_.PeekKind()) {
    case TokenKind::kName: {
      const Token& name = reader_.Next();
      steps.push_back(
          {SourceRange::Between(dot, name.range), AttributeStep{std::string(name.text)}});
      return true;
    }
    case TokenKind::kNumber:
      return ParseLegacyIndex(steps);
    case TokenKind::kStar: {
      reader_.Next();
      // What follows with a dot is taken of each element; an index is one of the result.
      SplatStep splat;
      while (reader_.PeekKind() == TokenKind::kDot) {
        if (reader_.PeekAfter().kind == TokenKind::kStar) {
          reader_.Next();
          Unexpected("Nested splat", "an attribute's name; use [*] for splats within splats");
          return false;
        }
        if (!ParseDotStep(splat.steps)) return false;
      }
      steps.push_back({SourceRange::Between(dot, reader_.Last().range), std::move(splat)});
      return true;
    }
    default:
      Unexpected("Invalid attribute name", "an attribute's name after the dot");
      return false;
  }
}

// `.0`; `.0.1` is the number 0.1 to the lexer.
bool ExpressionParser::ParseLegacyIndex(TraversalSteps& steps) {
  const Token& token = reader_.Next();
  for (const absl::string_view part : absl::StrSplit(token.text, '.')) {
    int64_t index;
    if (!std::all_of(part.begin(), part.end(), absl::ascii_isdigit) ||
        !absl::SimpleAtoi(part, &index)) {
      diagnostics_.AddError("Invalid legacy index syntax",
                            "After a dot stands an attribute's name or the index of an element.",
                            token.range);
      return false;
    }
    ExpressionPointer key = MakeExpression(token.range, LiteralExpression{Value::Int(index)});
    steps.push_back({token.range, IndexStep{std::move(key), /*legacy=*/true}});
  }
  return true;
}

bool ExpressionParser::ParseBracketStep(TraversalSteps& steps) {
  const SourceRange open = reader_.Next().range;
  {
    const TokenReader::Newlines newlines(reader_, /*skip=*/true);
    if (reader_.PeekKind() != TokenKind::kStar) {
      ExpressionPointer key = ParseExpression();
      if (key == nullptr) return false;
      if (!Expect(TokenKind::kCloseBracket, "Missing close bracket on index",
                  "a closing bracket after the index")) {
        return false;
      }
      steps.push_back(
          {SourceRange::Between(open, reader_.Last().range), IndexStep{std::move(key), false}});
      return true;
    }
    reader_.Next();
    if (!Expect(TokenKind::kCloseBracket, "Missing close bracket on splat index",
                "a closing bracket after \"*\"")) {
      return false;
    }
  }
  const absl::Cleanup leave = [this] { Leave(); };
  if (!Enter(open)) return false;
  SplatStep splat;
  if (!ParseSteps(splat.steps)) return false;
  steps.push_back({SourceRange::Between(open, reader_.Last().range), std::move(splat)});
  return true;
}

}  // namespace cloister::hcl
