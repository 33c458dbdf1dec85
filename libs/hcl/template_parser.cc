// The part of ExpressionParser that is about templates: first a flat list of pieces, in which white
// space is stripped and heredocs lose their indentation, then the tree of directives.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/hcl/expression_parser.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

struct Piece {
  enum class Kind { kText, kDollar, kInterpolation, kIf, kElse, kEndIf, kFor, kEndFor };
  Kind kind;
  SourceRange range;
  std::string text;              // kText
  ExpressionPointer expression;  // kInterpolation, the condition of kIf, the collection of kFor
  std::string key_name;          // kFor
  std::string value_name;        // kFor
  bool strip_before = false;
  bool strip_after = false;
};

size_t SizeOfLeadingSpace(absl::string_view text) {
  size_t size = 0;
  while (size < text.size()) {
    const CodePoint point = FirstCodePoint(text.substr(size));
    if (!IsSpace(point.value)) break;
    size += point.size;
  }
  return size;
}

void StripTrailingSpace(std::string& text) {
  size_t end = text.size();
  while (end > 0) {
    size_t start = end - 1;
    while (start > 0 && (static_cast<uint8_t>(text[start]) & 0xc0) == 0x80) --start;
    if (!IsSpace(FirstCodePoint(absl::string_view(text).substr(start)).value)) break;
    end = start;
  }
  text.resize(end);
}

// `${~ a ~}`. Only of the text next to it, which in a heredoc is at most a line: what the next line
// is indented by stays, as with other implementations.
void StripAtMarkers(std::vector<Piece>& pieces) {
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].strip_before && i > 0) StripTrailingSpace(pieces[i - 1].text);
    if (pieces[i].strip_after && i + 1 < pieces.size()) {
      std::string& after = pieces[i + 1].text;
      after.erase(0, SizeOfLeadingSpace(after));
    }
  }
}

// <<-EOT: removes from each line the indentation that all have. Blank lines do not count.
void RemoveIndentation(std::vector<Piece>& pieces) {
  size_t indentation = std::numeric_limits<size_t>::max();
  std::vector<Piece*> indented;
  bool at_line_start = true;
  for (Piece& piece : pieces) {
    const bool is_text = piece.kind == Piece::Kind::kText;
    if (at_line_start) {
      const size_t space = is_text ? SizeOfLeadingSpace(piece.text) : 0;
      const bool blank = is_text && space == piece.text.size() && absl::EndsWith(piece.text, "\n");
      if (!blank) {
        indentation = std::min(indentation, CountCodePoints(piece.text.substr(0, space)));
        if (is_text) indented.push_back(&piece);
      }
    }
    at_line_start = is_text && absl::EndsWith(piece.text, "\n");
  }
  for (Piece* piece : indented) {
    size_t size = 0;
    for (size_t i = 0; i < indentation; ++i) {
      size += FirstCodePoint(absl::string_view(piece->text).substr(size)).size;
    }
    piece->text.erase(0, size);
  }
}

}  // namespace

class TemplateParser {
 public:
  explicit TemplateParser(ExpressionParser& parser)
      : parser_(parser), reader_(parser.reader_), diagnostics_(parser.diagnostics_) {}

  // Reads up to `end` and reads that.
  absl::optional<TemplateParts> Parse(TokenKind end, bool remove_indentation) {
    if (!ReadPieces(end)) return absl::nullopt;
    StripAtMarkers(pieces_);
    if (remove_indentation) RemoveIndentation(pieces_);
    TemplateParts parts;
    if (!BuildParts(parts)) return absl::nullopt;
    if (at_ < pieces_.size()) {
      diagnostics_.AddError("Unexpected template directive",
                            "There is no %{if} or %{for} before it that it could belong to.",
                            pieces_[at_].range);
      return absl::nullopt;
    }
    return parts;
  }

 private:
  bool ReadPieces(TokenKind end);
  bool ReadText(const Token& token, TokenKind end);
  bool ReadSequence();
  bool ReadDirective(Piece& piece);
  bool BuildParts(TemplateParts& parts);
  bool BuildIf(const Piece& piece, TemplateParts& parts);
  bool BuildFor(const Piece& piece, TemplateParts& parts);
  bool Close(const Piece& opener, Piece::Kind kind, absl::string_view directive);

  ExpressionParser& parser_;
  TokenReader& reader_;
  Diagnostics& diagnostics_;
  std::vector<Piece> pieces_;
  size_t at_ = 0;
};

bool TemplateParser::ReadPieces(TokenKind end) {
  const TokenReader::Newlines newlines(reader_, /*skip=*/false);
  bool ok = true;
  while (reader_.PeekKind() != end && reader_.PeekKind() != TokenKind::kEnd) {
    switch (reader_.PeekKind()) {
      case TokenKind::kText:
        ok = ReadText(reader_.Next(), end) && ok;
        break;
      case TokenKind::kEscape: {
        const Token& token = reader_.Next();
        const bool dollar = token.text == "$${";
        pieces_.push_back(
            {dollar ? Piece::Kind::kDollar : Piece::Kind::kText, token.range, dollar ? "" : "%{"});
        break;
      }
      default:
        if (!ReadSequence()) return false;
    }
  }
  reader_.Next();
  return ok;
}

bool TemplateParser::ReadText(const Token& token, TokenKind end) {
  if (end != TokenKind::kCloseQuote) {
    pieces_.push_back({Piece::Kind::kText, token.range, std::string(token.text)});
    return true;
  }
  absl::optional<std::string> text = parser_.Unescape(token);
  if (!text) return false;
  pieces_.push_back({Piece::Kind::kText, token.range, *std::move(text)});
  return true;
}

// ${...} or %{...}
bool TemplateParser::ReadSequence() {
  const Token open = reader_.Next();
  Piece piece;
  piece.kind = Piece::Kind::kInterpolation;
  piece.strip_before = absl::EndsWith(open.text, "~");
  const TokenReader::Newlines newlines(reader_, /*skip=*/true);
  if (open.kind == TokenKind::kDirective) {
    if (!ReadDirective(piece)) return false;
  } else {
    piece.expression = parser_.ParseExpression();
    if (piece.expression == nullptr) return false;
  }
  if (!parser_.Expect(TokenKind::kTemplateEnd, "Extra characters in template sequence",
                      "a closing brace")) {
    return false;
  }
  piece.strip_after = reader_.Last().text == "~}";
  piece.range = SourceRange::Between(open.range, reader_.Last().range);
  pieces_.push_back(std::move(piece));
  return true;
}

bool TemplateParser::ReadDirective(Piece& piece) {
  if (parser_.AcceptName("if")) {
    piece.kind = Piece::Kind::kIf;
    piece.expression = parser_.ParseExpression();
    return piece.expression != nullptr;
  }
  if (parser_.AcceptName("for")) {
    piece.kind = Piece::Kind::kFor;
    return parser_.ParseForIntroduction(piece.key_name, piece.value_name, piece.expression);
  }
  if (parser_.AcceptName("else")) {
    piece.kind = Piece::Kind::kElse;
  } else if (parser_.AcceptName("endif")) {
    piece.kind = Piece::Kind::kEndIf;
  } else if (parser_.AcceptName("endfor")) {
    piece.kind = Piece::Kind::kEndFor;
  } else {
    parser_.Unexpected("Invalid template directive", "if, else, endif, for or endfor after \"%{\"");
    return false;
  }
  return true;
}

// Up to a piece that closes something, or the end.
bool TemplateParser::BuildParts(TemplateParts& parts) {
  for (; at_ < pieces_.size(); ++at_) {
    Piece& piece = pieces_[at_];
    switch (piece.kind) {
      case Piece::Kind::kText:
        if (piece.text.empty()) break;
        if (!parts.empty() && absl::holds_alternative<TemplateText>(parts.back().node)) {
          absl::get<TemplateText>(parts.back().node).text += piece.text;
        } else {
          parts.push_back({TemplateText{std::move(piece.text)}});
        }
        break;
      case Piece::Kind::kDollar:
        parts.push_back({TemplateEscape{}});
        break;
      case Piece::Kind::kInterpolation:
        parts.push_back({TemplateInterpolation{std::move(piece.expression)}});
        break;
      case Piece::Kind::kIf:
        if (!BuildIf(piece, parts)) return false;
        break;
      case Piece::Kind::kFor:
        if (!BuildFor(piece, parts)) return false;
        break;
      default:
        return true;
    }
  }
  return true;
}

bool TemplateParser::BuildIf(const Piece& piece, TemplateParts& parts) {
  const absl::Cleanup leave = [this] { parser_.Leave(); };
  if (!parser_.Enter(piece.range)) return false;
  TemplateIf node;
  node.condition = piece.expression;
  ++at_;
  if (!BuildParts(node.then_parts)) return false;
  if (at_ < pieces_.size() && pieces_[at_].kind == Piece::Kind::kElse) {
    ++at_;
    if (!BuildParts(node.else_parts)) return false;
  }
  if (!Close(piece, Piece::Kind::kEndIf, "%{endif}")) return false;
  parts.push_back({std::move(node)});
  return true;
}

bool TemplateParser::BuildFor(const Piece& piece, TemplateParts& parts) {
  const absl::Cleanup leave = [this] { parser_.Leave(); };
  if (!parser_.Enter(piece.range)) return false;
  TemplateFor node;
  node.key_name = piece.key_name;
  node.value_name = piece.value_name;
  node.collection = piece.expression;
  ++at_;
  if (!BuildParts(node.parts)) return false;
  if (!Close(piece, Piece::Kind::kEndFor, "%{endfor}")) return false;
  parts.push_back({std::move(node)});
  return true;
}

// `at_` stands at the piece that closes; the caller's loop steps over it.
bool TemplateParser::Close(const Piece& opener, Piece::Kind kind, absl::string_view directive) {
  if (at_ < pieces_.size() && pieces_[at_].kind == kind) return true;
  if (at_ < pieces_.size()) {
    diagnostics_.AddError("Unexpected template directive",
                          absl::StrCat("Expected ", directive, " first."), pieces_[at_].range);
  } else {
    diagnostics_.AddError("Unclosed template directive",
                          absl::StrCat("There is no ", directive, " for it."), opener.range);
  }
  return false;
}

ExpressionPointer ExpressionParser::ParseTemplate(TokenKind end, const SourcePosition& start) {
  const bool remove_indentation =
      end == TokenKind::kCloseHeredoc && absl::StartsWith(reader_.Last().text, "<<-");
  absl::optional<TemplateParts> parts = TemplateParser(*this).Parse(end, remove_indentation);
  if (!parts) return nullptr;
  const SourceRange range = {start, reader_.Last().range.end};
  if (parts->empty()) return MakeExpression(range, LiteralExpression{Value::String("")});
  if (parts->size() == 1 && absl::holds_alternative<TemplateText>(parts->front().node)) {
    std::string& text = absl::get<TemplateText>(parts->front().node).text;
    return MakeExpression(range, LiteralExpression{Value::String(std::move(text))});
  }
  return MakeExpression(range, TemplateExpression{*std::move(parts)});
}

absl::optional<std::string> ExpressionParser::ParseQuotedText() {
  const TokenReader::Newlines newlines(reader_, /*skip=*/false);
  reader_.Next();
  std::string text;
  while (!Accept(TokenKind::kCloseQuote)) {
    if (Accept(TokenKind::kText)) {
      absl::optional<std::string> part = Unescape(reader_.Last());
      if (!part) return absl::nullopt;
      text += *part;
    } else if (Accept(TokenKind::kEscape)) {
      absl::StrAppend(&text, reader_.Last().text.substr(1));
    } else {
      diagnostics_.AddError("Invalid string literal",
                            "Template sequences are not allowed in this string. To include a "
                            "literal \"$\" or \"%\", double it.",
                            reader_.Peek().range);
      return absl::nullopt;
    }
  }
  return text;
}

absl::optional<std::string> ExpressionParser::Unescape(const Token& token) {
  const absl::string_view raw = token.text;
  std::string text;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      text.push_back(raw[i]);
      continue;
    }
    const char c = ++i < raw.size() ? raw[i] : '\0';
    const size_t digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
    constexpr absl::string_view kLetters = "nrt\"\\";
    constexpr absl::string_view kMeanings = "\n\r\t\"\\";
    uint32_t point = 0;
    if (c != '\0' && kLetters.find(c) != absl::string_view::npos) {
      text.push_back(kMeanings[kLetters.find(c)]);
    } else if (digits > 0 && raw.size() - i > digits &&
               std::all_of(raw.begin() + i + 1, raw.begin() + i + 1 + digits,
                           absl::ascii_isxdigit) &&
               absl::SimpleHexAtoi(raw.substr(i + 1, digits), &point) && IsCodePoint(point) &&
               point != 0) {
      AppendUtf8(point, text);
      i += digits;
    } else {
      diagnostics_.AddError("Invalid escape sequence",
                            "A backslash stands before n, r, t, a quote or a backslash, or begins "
                            "\\uNNNN or \\UNNNNNNNN with the number of a character.",
                            token.range);
      return absl::nullopt;
    }
  }
  return text;
}

}  // namespace cloister::hcl
