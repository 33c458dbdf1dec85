#include "libs/artifact/checksum.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace cloister::artifact {
namespace {

struct Digest {
  absl::string_view type;
  DigestAlgorithm algorithm;
  size_t hex_digits;
};

constexpr Digest kDigests[] = {{"md5", DigestAlgorithm::kMd5, 32},
                               {"sha1", DigestAlgorithm::kSha1, 40},
                               {"sha256", DigestAlgorithm::kSha256, 64},
                               {"sha384", DigestAlgorithm::kSha384, 96},
                               {"sha512", DigestAlgorithm::kSha512, 128}};

std::string Shown(absl::string_view text) { return absl::CHexEscape(text.substr(0, 48)); }

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isxdigit(c); });
}

const Digest* OfType(absl::string_view type) {
  const auto* row = std::find_if(std::begin(kDigests), std::end(kDigests),
                                 [&](const Digest& digest) { return digest.type == type; });
  return row == std::end(kDigests) ? nullptr : row;
}

// Of a digest that has no type beside it.
absl::optional<Checksum> OfBareHex(absl::string_view hex) {
  if (!IsHex(hex)) return absl::nullopt;
  for (const Digest& digest : kDigests) {
    if (digest.hex_digits == hex.size())
      return Checksum{digest.algorithm, absl::AsciiStrToLower(hex)};
  }
  return absl::nullopt;
}

// What is wrong with it, or nothing.
std::string WrongWith(absl::string_view digest, const Digest& known) {
  std::string wrong;
  if (digest.size() != known.hex_digits)
    absl::StrAppend(&wrong, "has ", digest.size(), " characters");
  const auto other = std::find_if(digest.begin(), digest.end(),
                                  [](unsigned char c) { return !absl::ascii_isxdigit(c); });
  if (other != digest.end()) {
    absl::StrAppend(&wrong, wrong.empty() ? "has" : ", one of them", " '",
                    Shown(absl::string_view(&*other, 1)), "', which is no hexadecimal digit");
  }
  return wrong;
}

struct ListLine {
  Checksum checksum;
  // Empty: the line is a digest alone.
  std::string name;
};

// "SHA256 (NAME) = HEX", also as "SHA2-256".
absl::optional<ListLine> ParseBsdLine(absl::string_view line) {
  const size_t open = line.find(" (");
  const size_t close = line.rfind(") = ");
  if (open == absl::string_view::npos || close == absl::string_view::npos || close < open + 2)
    return absl::nullopt;
  std::string type = absl::AsciiStrToLower(line.substr(0, open));
  if (absl::StartsWith(type, "sha2-")) type = absl::StrCat("sha", type.substr(5));
  const Digest* known = OfType(type);
  const absl::string_view hex = line.substr(close + 4);
  if (known == nullptr || !WrongWith(hex, *known).empty()) return absl::nullopt;
  return ListLine{{known->algorithm, absl::AsciiStrToLower(hex)},
                  std::string(line.substr(open + 2, close - open - 2))};
}

// GNU's escapes in names, of lines that begin with a backslash.
std::string Unescaped(absl::string_view name) {
  std::string plain;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '\\' || i + 1 == name.size()) {
      plain.push_back(name[i]);
      continue;
    }
    ++i;
    plain.push_back(name[i] == 'n' ? '\n' : name[i] == 'r' ? '\r' : name[i]);
  }
  return plain;
}

// "HEX  NAME", "HEX *NAME", "HEX".
absl::optional<ListLine> ParseGnuLine(absl::string_view line) {
  const bool escaped = absl::ConsumePrefix(&line, "\\");
  const size_t end = line.find_first_of(" \t");
  const absl::optional<Checksum> checksum = OfBareHex(line.substr(0, end));
  if (!checksum) return absl::nullopt;
  absl::string_view name;
  if (end != absl::string_view::npos) name = absl::StripLeadingAsciiWhitespace(line.substr(end));
  absl::ConsumePrefix(&name, "*");
  return ListLine{*checksum, escaped ? Unescaped(name) : std::string(name)};
}

absl::optional<ListLine> ParseLine(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\r");
  line = absl::StripAsciiWhitespace(line);
  if (line.empty() || line[0] == '#') return absl::nullopt;
  absl::optional<ListLine> parsed = ParseBsdLine(line);
  return parsed ? parsed : ParseGnuLine(line);
}

// How much of the end of `path` the name is; 0: it is about another file.
size_t MatchLength(absl::string_view name, absl::string_view path) {
  while (absl::ConsumePrefix(&name, "./")) {
  }
  if (name.empty() || !absl::EndsWith(path, name)) return 0;
  const size_t before = path.size() - name.size();
  return before == 0 || path[before - 1] == '/' || name[0] == '/' ? name.size() : 0;
}

// The line that is most about the file so far.
class BestLine {
 public:
  absl::Status Offer(const Checksum& checksum, size_t length) {
    const bool same_kind = found_ && length == length_ && checksum.algorithm == best_.algorithm;
    if (same_kind && checksum.hex != best_.hex) {
      return absl::InvalidArgumentError(
          absl::StrCat("the list of checksums has two digests for the file: ", best_.ToString(),
                       " and ", checksum.ToString()));
    }
    if (found_ &&
        (length < length_ || (length == length_ && checksum.algorithm <= best_.algorithm)))
      return absl::OkStatus();
    found_ = true;
    length_ = length;
    best_ = checksum;
    return absl::OkStatus();
  }
  bool found() const { return found_; }
  const Checksum& best() const { return best_; }

 private:
  bool found_ = false;
  size_t length_ = 0;
  Checksum best_;
};

}  // namespace

absl::string_view DigestAlgorithmName(DigestAlgorithm algorithm) {
  for (const Digest& digest : kDigests) {
    if (digest.algorithm == algorithm) return digest.type;
  }
  return "";
}

std::string Checksum::ToString() const {
  return absl::StrCat(DigestAlgorithmName(algorithm), ":", hex);
}

absl::StatusOr<ChecksumText> ParseChecksum(absl::string_view text) {
  ChecksumText parsed;
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos) {
    parsed.digest = OfBareHex(text);
    if (parsed.digest) return parsed;
    return absl::InvalidArgumentError(absl::StrCat(
        "'", Shown(text), "' is no checksum: it must be TYPE:DIGEST, \"sha256:\" and 64 digits"));
  }
  const absl::string_view type = text.substr(0, colon);
  const absl::string_view digest = text.substr(colon + 1);
  if (type == "file") {
    if (digest.empty())
      return absl::InvalidArgumentError("'file:' must be followed by the source of a list");
    parsed.list_source = std::string(digest);
    return parsed;
  }
  const Digest* known = OfType(type);
  if (known == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", Shown(type), "' is no type of checksum: md5, sha1, sha256, sha384 or sha512"));
  }
  const std::string wrong = WrongWith(digest, *known);
  if (!wrong.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the digest ", wrong, "; a digest of ", type,
                                                   " has ", known->hex_digits,
                                                   " hexadecimal digits"));
  }
  parsed.digest = Checksum{known->algorithm, absl::AsciiStrToLower(digest)};
  return parsed;
}

absl::Status CheckChecksum(absl::string_view text) {
  if (absl::StrContains(text, "${")) return absl::OkStatus();
  return ParseChecksum(text).status();
}

absl::StatusOr<Checksum> FindInChecksumList(absl::string_view list, absl::string_view file_path) {
  if (list.size() > kMaxChecksumListBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the list of checksums has ", list.size(),
                                                   " bytes, more than ", kMaxChecksumListBytes));
  }
  BestLine named;
  BestLine bare;
  size_t digests = 0;
  for (const absl::string_view text : absl::StrSplit(list, '\n')) {
    const absl::optional<ListLine> line = ParseLine(text);
    if (!line) continue;
    ++digests;
    absl::Status status;
    if (line->name.empty()) {
      if (digests == 1) status = bare.Offer(line->checksum, 0);
    } else if (const size_t length = MatchLength(line->name, file_path); length > 0) {
      status = named.Offer(line->checksum, length);
    }
    if (!status.ok()) return status;
  }
  if (named.found()) return named.best();
  if (bare.found() && digests == 1) return bare.best();
  const absl::string_view name = file_path.substr(file_path.rfind('/') + 1);
  return absl::NotFoundError(absl::StrCat("the list of checksums has ", digests,
                                          " digests, none of them for '", Shown(name), "'"));
}

}  // namespace cloister::artifact
