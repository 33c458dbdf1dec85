#include "libs/artifact/hg_protocol.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace cloister::artifact {
namespace {

constexpr size_t kNodeDigits = 40;
constexpr size_t kShownBytes = 200;

const std::string& NullNode() {
  static const auto& node = *new std::string(kNodeDigits, '0');
  return node;
}

uint8_t TakeByte(absl::string_view* bytes) {
  if (bytes->empty()) return 0;
  const auto byte = static_cast<uint8_t>(bytes->front());
  bytes->remove_prefix(1);
  return byte;
}

absl::string_view Take(size_t count, absl::string_view* bytes) {
  const absl::string_view taken = bytes->substr(0, count);
  bytes->remove_prefix(taken.size());
  return taken;
}

// Of a bundle's first part its value "message", if it is a refusal. Cut short it is as far as it
// goes.
absl::string_view AbortMessage(absl::string_view part) {
  Take(4, &part);  // The size of the header.
  if (!absl::EqualsIgnoreCase(Take(TakeByte(&part), &part), "error:abort")) return "";
  Take(4, &part);  // The number of the part.
  const int parameters = TakeByte(&part) + TakeByte(&part);
  std::vector<std::pair<size_t, size_t>> sizes;
  for (int i = 0; i < parameters; ++i) {
    const size_t key = TakeByte(&part);
    sizes.emplace_back(key, TakeByte(&part));
  }
  for (const auto& [key_size, value_size] : sizes) {
    const absl::string_view key = Take(key_size, &part);
    const absl::string_view value = Take(value_size, &part);
    if (key == "message") return value;
  }
  return "it does not say why";
}

std::string Shown(absl::string_view text) {
  return absl::CHexEscape(absl::StripAsciiWhitespace(text).substr(0, kShownBytes));
}

}  // namespace

bool IsHgNode(absl::string_view text) {
  return text.size() == kNodeDigits && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

absl::Status CheckHgCapabilities(absl::string_view answer) {
  bool has_lookup = false;
  bool has_getbundle = false;
  bool has_bundle2 = false;
  for (const absl::string_view word :
       absl::StrSplit(answer, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    has_lookup |= word == "lookup";
    has_getbundle |= word == "getbundle";
    has_bundle2 |= absl::StartsWith(word, "bundle2=");
  }
  if (has_lookup && has_getbundle && has_bundle2) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the server lacks ",
                                                    !has_lookup      ? "lookup"
                                                    : !has_getbundle ? "getbundle"
                                                                     : "bundle2",
                                                    ": it is older than Mercurial 3.5"));
}

absl::StatusOr<std::string> ParseHgLookup(absl::string_view answer, absl::string_view shown) {
  if (absl::ConsumePrefix(&answer, "1 ")) {
    const std::string node(absl::StripAsciiWhitespace(answer));
    if (!IsHgNode(node)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the server says that '", Shown(shown), "' is '", Shown(node), "', which is no id"));
    }
    if (node != NullNode()) return node;
    return absl::NotFoundError(absl::StrCat("'", Shown(shown), "' is no changeset there"));
  }
  if (absl::ConsumePrefix(&answer, "0 ")) {
    return absl::NotFoundError(absl::StrCat("rev '", Shown(shown), "': ", Shown(answer)));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the server answers a lookup with '", Shown(answer), "'"));
}

std::vector<std::pair<std::string, std::string>> HgBundleParameters(const std::string& node) {
  // Of changegroups what every Mercurial reads since 3.5. The value is escaped within the list.
  return {{"heads", node},
          {"common", NullNode()},
          {"bundlecaps", "HG20,bundle2=HG20%0Achangegroup%3D01%2C02"}};
}

absl::Status CheckHgBundleHead(absl::string_view head) {
  constexpr absl::string_view kNoParameters("\0\0\0\0", 4);
  if (!absl::ConsumePrefix(&head, "HG20") || head.size() < kNoParameters.size()) {
    return absl::InvalidArgumentError("the server sends no bundle of Mercurial's version 2");
  }
  if (!absl::ConsumePrefix(&head, kNoParameters)) {
    return absl::InvalidArgumentError("the bundle that the server sends has parameters");
  }
  const absl::string_view refusal = AbortMessage(head);
  if (refusal.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the server refuses: ", Shown(refusal)));
}

}  // namespace cloister::artifact
