#include "libs/hcl/lexer.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

struct Symbol {
  absl::string_view text;
  TokenKind kind;
};

// Longer ones first. Braces are not here: what they mean depends on the mode.
constexpr Symbol kSymbols[] = {
    {"...", TokenKind::kEllipsis},
    {"==", TokenKind::kEqual},
    {"!=", TokenKind::kNotEqual},
    {"<=", TokenKind::kLessOrEqual},
    {">=", TokenKind::kGreaterOrEqual},
    {"&&", TokenKind::kAnd},
    {"||", TokenKind::kOr},
    {"=>", TokenKind::kArrow},
    {"[", TokenKind::kOpenBracket},
    {"]", TokenKind::kCloseBracket},
    {"(", TokenKind::kOpenParen},
    {")", TokenKind::kCloseParen},
    {"*", TokenKind::kStar},
    {"/", TokenKind::kSlash},
    {"+", TokenKind::kPlus},
    {"-", TokenKind::kMinus},
    {"%", TokenKind::kPercent},
    {"=", TokenKind::kAssign},
    {"<", TokenKind::kLess},
    {">", TokenKind::kGreater},
    {"!", TokenKind::kNot},
    {".", TokenKind::kDot},
    {",", TokenKind::kComma},
    {"?", TokenKind::kQuestion},
    {":", TokenKind::kColon},
};

class Lexer {
 public:
  Lexer(const LexerInput& input, Diagnostics& diagnostics)
      : input_(input), position_(input.start), diagnostics_(diagnostics) {}

  std::vector<Token> Run(bool is_template) {
    modes_.push_back({is_template ? Mode::kBareTemplate : Mode::kNormal, 0, {}, {}});
    if (!is_template && absl::StartsWith(Rest(), "\xef\xbb\xbf")) Advance(3);
    while (!Rest().empty()) {
      if (modes_.back().mode == Mode::kNormal) {
        LexNormal();
      } else {
        LexTemplateText();
      }
    }
    CloseOpenModes();
    Emit(TokenKind::kEnd, 0);
    return std::move(tokens_);
  }

 private:
  enum class Mode { kNormal, kQuoted, kHeredoc, kBareTemplate };
  struct ModeState {
    Mode mode;
    int open_braces;           // kNormal: within the interpolation.
    absl::string_view marker;  // kHeredoc.
    SourceRange opened_at;
  };

  absl::string_view Rest() const { return input_.text.substr(offset_); }

  SourcePosition Position() const {
    return input_.positions.empty() ? position_ : input_.positions[offset_];
  }

  void Advance(size_t bytes) {
    for (const size_t end = offset_ + bytes; offset_ < end; ++offset_) {
      const char c = input_.text[offset_];
      ++position_.byte;
      if (c == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if ((static_cast<uint8_t>(c) & 0xc0) != 0x80) {
        ++position_.column;
      }
    }
  }

  SourceRange Take(size_t bytes) {
    const SourcePosition start = Position();
    Advance(bytes);
    return {start, Position()};
  }

  void Emit(TokenKind kind, size_t bytes) {
    const absl::string_view text = Rest().substr(0, bytes);
    const SourceRange range = Take(bytes);
    tokens_.push_back({kind, text, range});
  }

  void LexNormal();
  void LexComment();
  void LexNumber();
  void LexName();
  bool LexBraces();
  void LexHeredocStart();
  void LexInvalid();
  void LexTemplateText();
  bool LexTemplateSequence();
  bool LexHeredocEnd();
  bool EndsText(absl::string_view rest) const;
  void CloseOpenModes();

  LexerInput input_;
  SourcePosition position_;
  size_t offset_ = 0;
  Diagnostics& diagnostics_;
  std::vector<ModeState> modes_;
  std::vector<Token> tokens_;
  // In a heredoc, whether nothing of the line was read yet.
  bool at_line_start_ = false;
};

void Lexer::LexNormal() {
  const absl::string_view rest = Rest();
  const char c = rest.front();
  if (c == ' ' || c == '\t') {
    Advance(1);
  } else if (c == '\n') {
    Emit(TokenKind::kNewline, 1);
  } else if (absl::StartsWith(rest, "\r\n")) {
    Emit(TokenKind::kNewline, 2);
  } else if (c == '#' || absl::StartsWith(rest, "//") || absl::StartsWith(rest, "/*")) {
    LexComment();
  } else if (c == '"') {
    Emit(TokenKind::kOpenQuote, 1);
    modes_.push_back({Mode::kQuoted, 0, {}, tokens_.back().range});
  } else if (absl::ascii_isdigit(c)) {
    LexNumber();
  } else if (IsNameStart(FirstCodePoint(rest).value)) {
    LexName();
  } else if (absl::StartsWith(rest, "<<")) {
    LexHeredocStart();
  } else if (!LexBraces()) {
    const auto* symbol =
        std::find_if(std::begin(kSymbols), std::end(kSymbols),
                     [&](const Symbol& s) { return absl::StartsWith(rest, s.text); });
    if (symbol == std::end(kSymbols)) {
      LexInvalid();
    } else {
      Emit(symbol->kind, symbol->text.size());
    }
  }
}

void Lexer::LexComment() {
  const absl::string_view rest = Rest();
  if (absl::StartsWith(rest, "/*")) {
    const size_t end = rest.find("*/", 2);
    const SourceRange range = Take(end == absl::string_view::npos ? rest.size() : end + 2);
    if (end == absl::string_view::npos) {
      diagnostics_.AddError("Unterminated comment", "This comment has no closing \"*/\".",
                            SourceRange{range.start, range.start});
    }
    return;
  }
  // The end of the line is a token of its own.
  const size_t end = rest.find('\n');
  size_t size = end == absl::string_view::npos ? rest.size() : end;
  if (size > 0 && rest[size - 1] == '\r') --size;
  Advance(size);
}

void Lexer::LexNumber() {
  const absl::string_view rest = Rest();
  size_t size = 0;
  const auto digits = [&] {
    while (size < rest.size() && absl::ascii_isdigit(rest[size])) ++size;
  };
  const auto digit_at = [&](size_t at) {
    return at < rest.size() && absl::ascii_isdigit(rest[at]);
  };
  digits();
  if (rest.substr(size, 1) == "." && digit_at(size + 1)) {
    ++size;
    digits();
  }
  if (size < rest.size() && (rest[size] == 'e' || rest[size] == 'E')) {
    const bool has_sign =
        size + 1 < rest.size() && (rest[size + 1] == '+' || rest[size + 1] == '-');
    if (digit_at(size + (has_sign ? 2 : 1))) {
      size += has_sign ? 2 : 1;
      digits();
    }
  }
  Emit(TokenKind::kNumber, size);
}

void Lexer::LexName() {
  const absl::string_view rest = Rest();
  size_t size = 0;
  while (size < rest.size()) {
    const CodePoint point = FirstCodePoint(rest.substr(size));
    if (!IsNameContinue(point.value)) break;
    size += point.size;
  }
  Emit(TokenKind::kName, size);
}

bool Lexer::LexBraces() {
  ModeState& mode = modes_.back();
  const bool in_template = modes_.size() > 1;
  const char c = Rest().front();
  if (in_template && mode.open_braces == 0 && (c == '}' || absl::StartsWith(Rest(), "~}"))) {
    modes_.pop_back();
    Emit(TokenKind::kTemplateEnd, c == '}' ? 1 : 2);
    return true;
  }
  if (c == '{') {
    ++mode.open_braces;
    Emit(TokenKind::kOpenBrace, 1);
    return true;
  }
  if (c == '}') {
    if (mode.open_braces > 0) --mode.open_braces;
    Emit(TokenKind::kCloseBrace, 1);
    return true;
  }
  return false;
}

void Lexer::LexHeredocStart() {
  const absl::string_view rest = Rest();
  size_t size = absl::StartsWith(rest, "<<-") ? 3 : 2;
  const size_t marker_start = size;
  while (size < rest.size()) {
    const CodePoint point = FirstCodePoint(rest.substr(size));
    if (!(size == marker_start ? IsNameStart(point.value) : IsNameContinue(point.value))) break;
    size += point.size;
  }
  const absl::string_view marker = rest.substr(marker_start, size - marker_start);
  const size_t line_end = absl::StartsWith(rest.substr(size), "\r\n") ? 2
                          : absl::StartsWith(rest.substr(size), "\n") ? 1
                                                                      : 0;
  if (marker.empty() || line_end == 0) {
    const SourceRange range = Take(size);
    diagnostics_.AddError(
        "Invalid heredoc",
        "A heredoc begins with \"<<\" or \"<<-\", a name and the end of the line, "
        "as in <<EOT.",
        range);
    return;
  }
  Emit(TokenKind::kOpenHeredoc, size + line_end);
  modes_.push_back({Mode::kHeredoc, 0, marker, tokens_.back().range});
  at_line_start_ = true;
}

void Lexer::LexInvalid() {
  const CodePoint point = FirstCodePoint(Rest());
  const std::string character(Rest().substr(0, point.size));
  const SourceRange range = Take(std::max<size_t>(point.size, 1));
  std::string detail;
  if (character == "'") {
    detail = "Single quotes are not valid. Use double quotes (\") to enclose strings.";
  } else if (character == "`" || (point.value >= 0x2018 && point.value <= 0x201f)) {
    detail = "Only plain double quotes (\") enclose strings.";
  } else if (character == ";") {
    detail =
        "The \";\" character is not valid. Use newlines to separate arguments and blocks, and "
        "commas to separate items in collections.";
  } else if (character == "&" || character == "|") {
    detail = absl::StrCat("There are no bitwise operators. Did you mean \"", character, character,
                          "\"?");
  } else {
    detail = IsUnsafeToShow(point.value) || IsSpace(point.value)
                 ? absl::StrFormat("The character U+%04X is not used here.", point.value)
                 : absl::StrCat("The character \"", character, "\" is not used here.");
  }
  diagnostics_.AddError("Invalid character", detail, range);
}

bool Lexer::LexHeredocEnd() {
  const ModeState& mode = modes_.back();
  if (mode.mode != Mode::kHeredoc || !at_line_start_) return false;
  const absl::string_view line = Rest().substr(0, Rest().find('\n'));
  if (absl::StripAsciiWhitespace(line) != mode.marker) return false;
  Advance(line.find(mode.marker));
  const size_t size = mode.marker.size();
  modes_.pop_back();
  Emit(TokenKind::kCloseHeredoc, size);
  return true;
}

// The sequences that begin with $ or %.
bool Lexer::LexTemplateSequence() {
  const absl::string_view rest = Rest();
  if (absl::StartsWith(rest, "$${") || absl::StartsWith(rest, "%%{")) {
    Emit(TokenKind::kEscape, 3);
    return true;
  }
  const bool interpolation = absl::StartsWith(rest, "${");
  if (!interpolation && !absl::StartsWith(rest, "%{")) return false;
  const bool strips = rest.substr(2, 1) == "~" && rest.substr(2, 2) != "~}";
  Emit(interpolation ? TokenKind::kInterpolation : TokenKind::kDirective, strips ? 3 : 2);
  modes_.push_back({Mode::kNormal, 0, {}, tokens_.back().range});
  return true;
}

bool Lexer::EndsText(absl::string_view rest) const {
  if (absl::StartsWith(rest, "${") || absl::StartsWith(rest, "%{") ||
      absl::StartsWith(rest, "$${") || absl::StartsWith(rest, "%%{")) {
    return true;
  }
  return modes_.back().mode == Mode::kQuoted && (rest.front() == '"' || rest.front() == '\n');
}

void Lexer::LexTemplateText() {
  if (LexHeredocEnd()) return;
  at_line_start_ = false;
  if (LexTemplateSequence()) return;
  const Mode mode = modes_.back().mode;
  const absl::string_view rest = Rest();
  if (mode == Mode::kQuoted && rest.front() == '"') {
    modes_.pop_back();
    Emit(TokenKind::kCloseQuote, 1);
    return;
  }
  if (mode == Mode::kQuoted && rest.front() == '\n') {
    diagnostics_.AddError("Invalid multi-line string",
                          "A quoted string may not be split over lines. Close it with a quote, or "
                          "use a heredoc (<<EOT).",
                          modes_.back().opened_at);
    modes_.pop_back();
    Emit(TokenKind::kCloseQuote, 0);
    return;
  }
  size_t size = 0;
  while (size < rest.size() && !EndsText(rest.substr(size))) {
    const char c = rest[size];
    const bool escapes_next =
        mode == Mode::kQuoted && c == '\\' && size + 1 < rest.size() && rest[size + 1] != '\n';
    size += escapes_next ? 2 : 1;
    if (c == '\n' && mode == Mode::kHeredoc) {
      at_line_start_ = true;
      break;
    }
  }
  Emit(TokenKind::kText, size);
}

void Lexer::CloseOpenModes() {
  // Only the innermost is said: the others follow from it.
  if (modes_.size() > 1) {
    const ModeState& open = modes_.back();
    const absl::string_view what = open.mode == Mode::kQuoted    ? "string"
                                   : open.mode == Mode::kHeredoc ? "heredoc"
                                                                 : "template sequence";
    diagnostics_.AddError(
        absl::StrCat("Unterminated ", what),
        absl::StrCat("There is no end of this ", what,
                     open.mode == Mode::kHeredoc
                         ? absl::StrCat(": a line with nothing but \"", open.marker, "\".")
                         : " before the end of the file."),
        open.opened_at);
  }
  for (; modes_.size() > 1; modes_.pop_back()) {
    switch (modes_.back().mode) {
      case Mode::kQuoted:
        Emit(TokenKind::kCloseQuote, 0);
        break;
      case Mode::kHeredoc:
        Emit(TokenKind::kCloseHeredoc, 0);
        break;
      default:
        Emit(TokenKind::kTemplateEnd, 0);
    }
  }
}

}  // namespace

std::vector<Token> LexFile(const LexerInput& input, Diagnostics& diagnostics) {
  return Lexer(input, diagnostics).Run(/*is_template=*/false);
}

std::vector<Token> LexTemplate(const LexerInput& input, Diagnostics& diagnostics) {
  return Lexer(input, diagnostics).Run(/*is_template=*/true);
}

}  // namespace cloister::hcl
