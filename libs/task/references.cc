#include "libs/task/references.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/nearest_word.h"
#include "libs/base/status_macros.h"
#include "libs/task/environment.h"

namespace cloister::task {
namespace {

constexpr absl::string_view kOpen = "${";
constexpr absl::string_view kEscaped = "$${";
constexpr absl::string_view kEnv = "env.";
constexpr int kMaxToldUnknown = 3;

// The text of a stranger, made fit for messages and terminals.
std::string Shown(absl::string_view text) {
  return absl::StrCat(absl::CHexEscape(text.substr(0, 48)), text.size() > 48 ? "..." : "");
}

absl::Status Malformed(absl::string_view at) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", Shown(at),
                   "' is no reference: it must be ${attr.NAME}, ${node.NAME}, "
                   "${meta.NAME}, ${NOMAD_NAME} or ${env[\"NAME\"]}, and $${ "
                   "stands for ${"));
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

// `root["rest"]` as "root.rest"; empty if it is not of that form.
std::string WithoutBrackets(absl::string_view inside) {
  for (absl::string_view root : {"env", "attr", "node", "meta"}) {
    absl::string_view rest = inside;
    if (!absl::ConsumePrefix(&rest, root)) continue;
    if (!absl::ConsumePrefix(&rest, "[\"") || !absl::ConsumeSuffix(&rest, "\"]")) continue;
    if (rest.empty() || rest.find_first_of("\"\\") != absl::string_view::npos) continue;
    return absl::StrCat(root, ".", rest);
  }
  return "";
}

// What is between the braces, as a name; empty if it is none.
std::string NameOf(absl::string_view inside) {
  inside = absl::StripAsciiWhitespace(inside);
  for (char c : inside) {
    if (!IsNameCharacter(c)) return WithoutBrackets(inside);
  }
  return std::string(inside);
}

// Where the brace is that ends a reference; one in quotes does not.
size_t EndOfReference(absl::string_view text, size_t begin) {
  bool quoted = false;
  for (size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '}' && !quoted) return i;
  }
  return absl::string_view::npos;
}

}  // namespace

absl::StatusOr<std::vector<TextPiece>> SplitReferences(absl::string_view text) {
  std::vector<TextPiece> pieces;
  std::string literal;
  while (!text.empty()) {
    const size_t dollar = text.find('$');
    absl::StrAppend(&literal, text.substr(0, dollar));
    if (dollar == absl::string_view::npos) break;
    text.remove_prefix(dollar);
    if (absl::ConsumePrefix(&text, kEscaped)) {
      absl::StrAppend(&literal, kOpen);
      continue;
    }
    if (!absl::StartsWith(text, kOpen)) {
      literal.push_back('$');
      text.remove_prefix(1);
      continue;
    }
    const size_t end = EndOfReference(text, kOpen.size());
    if (end == absl::string_view::npos) return Malformed(text);
    std::string name = NameOf(text.substr(kOpen.size(), end - kOpen.size()));
    if (name.empty()) return Malformed(text.substr(0, end + 1));
    if (!literal.empty()) pieces.push_back({false, std::exchange(literal, "")});
    pieces.push_back({true, std::move(name)});
    text.remove_prefix(end + 1);
  }
  if (!literal.empty()) pieces.push_back({false, std::move(literal)});
  return pieces;
}

bool HasReferences(absl::string_view text) { return absl::StrContains(text, kOpen); }

const std::string* NameTable::Find(absl::string_view name) const {
  const Names* names = absl::StrContains(name, '.') ? node_ : environment_;
  if (absl::ConsumePrefix(&name, kEnv)) names = environment_;
  const auto found = names->find(std::string(name));
  return found == names->end() ? nullptr : &found->second;
}

std::string NameTable::Unknown(absl::string_view name) const {
  absl::string_view variable = name;
  absl::ConsumePrefix(&variable, kEnv);
  if (IsSetByNode(variable)) {
    return absl::StrCat("'", variable,
                        "' is not known before the task runs: $${ leaves it to a shell");
  }
  std::vector<absl::string_view> candidates;
  const Names* names = absl::StrContains(variable, '.') ? node_ : environment_;
  candidates.reserve(names->size());
  for (const auto& entry : *names) candidates.push_back(entry.first);
  return absl::StrCat("'", Shown(name), "' is not known here", DidYouMean(variable, candidates));
}

absl::StatusOr<std::string> ReplaceReferences(absl::string_view text, const NameTable& names,
                                              size_t max_bytes) {
  CLOISTER_ASSIGN_OR_RETURN(const std::vector<TextPiece> pieces, SplitReferences(text));
  std::string replaced;
  std::string unknown;
  int unknown_count = 0;
  for (const TextPiece& piece : pieces) {
    const std::string* value = piece.is_reference ? names.Find(piece.text) : &piece.text;
    if (value == nullptr) {
      // The search for what was meant costs something: not for each of ten thousand.
      if (++unknown_count > kMaxToldUnknown) continue;
      absl::StrAppend(&unknown, unknown.empty() ? "" : "; ", names.Unknown(piece.text));
      continue;
    }
    if (unknown_count > 0) continue;
    if (value->size() > max_bytes - replaced.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("has more than ", max_bytes, " bytes once its references are replaced"));
    }
    replaced += *value;
  }
  if (unknown_count > kMaxToldUnknown) {
    absl::StrAppend(&unknown, "; and ", unknown_count - kMaxToldUnknown, " more");
  }
  if (unknown_count > 0) return absl::InvalidArgumentError(unknown);
  return replaced;
}

}  // namespace cloister::task
