#include "libs/artifact/artifact_source.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/artifact/object_url.h"
#include "libs/artifact/redacted_url.h"
#include "libs/artifact/source_text.h"
#include "libs/base/field_violations.h"

namespace cloister::artifact {
namespace {

constexpr std::array<absl::string_view, 6> kSecretNames = {
    "aws_access_key_id", "aws_access_key_secret", "aws_access_token", "aws_profile", "sshkey",
    "access_token"};

std::string Shown(absl::string_view text) { return absl::CHexEscape(text.substr(0, 48)); }

// A file name that is one component and stays where it is put.
bool IsFileName(absl::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 0x20 || c == 0x7f || c == '/' || c == '\\';
         });
}

// Reads one source. Each Read... takes what it knows from the options or the query, and notes what
// is wrong.
class Reading {
 public:
  explicit Reading(const std::map<std::string, std::string>& options)
      : asked_(options), options_(options) {}

  absl::StatusOr<ArtifactSource> Run(absl::string_view text) {
    absl::StatusOr<SourceText> parsed = ParseSourceText(text);
    if (!parsed.ok()) {
      Wrong("source", parsed.status().message());
      RefuseSecrets();
      return InvalidArgument(violations_);
    }
    url_ = std::move(parsed->url);
    source_.subdir = std::move(parsed->subdir);
    RefuseSecrets();
    if (ReadKind(parsed->forced)) {
      CheckUserinfo();
      ReadCommon();
      ReadOwn();
      ReadOfKind();
      ReadRest();
      ReadFileName();
    }
    source_.url = url_.ToString();
    const absl::Status status = InvalidArgument(violations_);
    if (!status.ok()) return status;
    return std::move(source_);
  }

 private:
  void Wrong(absl::string_view field, absl::string_view why) {
    violations_.push_back({std::string(field), std::string(why)});
  }

  // An option wins over the query parameter of its name, and is named in errors.
  absl::optional<std::string> Take(absl::string_view name) {
    absl::optional<std::string> value = url_.TakeQuery(name);
    absl::optional<std::string> option = TakeOption(name);
    return option ? option : value;
  }

  absl::optional<std::string> TakeOption(absl::string_view name) {
    const auto found = options_.find(std::string(name));
    if (found == options_.end()) return absl::nullopt;
    std::string value = found->second;
    options_.erase(found);
    return value;
  }

  // Of a value that Take gave.
  void WrongIn(absl::string_view name, absl::string_view why) {
    if (asked_.count(std::string(name)) > 0) return Wrong(FieldOf(name), why);
    Wrong("source", absl::StrCat("its parameter ", name, ": ", why));
  }

  static std::string FieldOf(absl::string_view name) { return absl::StrCat("options[", name, "]"); }

  void RefuseSecrets() {
    for (const absl::string_view name : kSecretNames) {
      if (url_.TakeQuery(name)) {
        Wrong("source", absl::StrCat("it holds ", name,
                                     ": name a credential of the node by the option credentials"));
      }
      if (TakeOption(name))
        Wrong(FieldOf(name), "name a credential of the node by the option credentials instead");
    }
  }

  bool ReadKind(absl::string_view forced) {
    const bool web = url_.scheme == "http" || url_.scheme == "https";
    const bool ssh = url_.scheme == "ssh";
    const auto kind_if = [&](SourceKind kind, bool fits) {
      source_.kind = kind;
      if (!fits) {
        Wrong("source", absl::StrCat("'", Shown(url_.scheme), "://' cannot be fetched as ",
                                     SourceKindName(kind)));
      }
      return fits;
    };
    if (forced == "git") return kind_if(SourceKind::kGit, web || ssh);
    if (forced == "hg") return kind_if(SourceKind::kHg, web);
    if (forced == "s3") return kind_if(SourceKind::kS3, web);
    if (forced == "gcs") return kind_if(SourceKind::kGcs, web);
    if (forced == "file") return kind_if(SourceKind::kFile, url_.scheme == "file");
    if (forced == "http" || forced == "https") return kind_if(SourceKind::kHttp, web);
    if (!forced.empty()) {
      Wrong("source", absl::StrCat("'", Shown(forced),
                                   "::' is no way to fetch: git, s3, gcs, hg, http or file"));
      return false;
    }
    if (url_.scheme == "file") return kind_if(SourceKind::kFile, true);
    if (web) return kind_if(SourceKind::kHttp, true);
    Wrong("source",
          absl::StrCat("the scheme '", Shown(url_.scheme), "' cannot be fetched",
                       ssh ? ": write git::ssh://" : ": https, http, git::, s3::, gcs:: or hg::"));
    return false;
  }

  void CheckUserinfo() {
    if (!url_.has_userinfo) return;
    const bool user_only = url_.scheme == "ssh" && !absl::StrContains(url_.userinfo, ":") &&
                           !absl::StartsWith(url_.userinfo, "-") && !url_.userinfo.empty();
    if (user_only) return;
    Wrong("source",
          "it holds a user or a password: name a credential of the node by the option credentials");
  }

  void ReadCommon() {
    if (const auto text = Take("checksum"); text && !text->empty()) {
      absl::StatusOr<ChecksumText> checksum = ParseChecksum(*text);
      if (checksum.ok()) {
        source_.checksum = *std::move(checksum);
      } else {
        WrongIn("checksum", checksum.status().message());
      }
    }
    if (const auto text = Take("archive")) {
      const absl::StatusOr<ArchiveChoice> choice = ParseArchiveChoice(*text);
      if (choice.ok()) {
        source_.archive = *choice;
      } else {
        WrongIn("archive", choice.status().message());
      }
    }
    if (auto name = Take("filename"); name && !name->empty()) {
      if (!IsFileName(*name))
        WrongIn("filename", absl::StrCat("'", Shown(*name), "' is not one name of a file"));
      source_.file_name = *std::move(name);
    }
  }

  // Cloister's own: as options only, since a server may have parameters of these names.
  void ReadOwn() {
    if (auto name = TakeOption("credentials")) {
      const bool plain = IsFileName(*name) && (*name)[0] != '-' && (*name)[0] != '.';
      if (!plain) WrongIn("credentials", "it is no name of a credential");
      source_.credentials = *std::move(name);
    }
    source_.unpack.strip_components = static_cast<int>(
        Number("strip_components", TakeOption("strip_components"), 0, 64).value_or(0));
    if (const auto text = TakeOption("umask")) {
      uint32_t umask = 0;
      const bool octal = !text->empty() && text->size() <= 4 &&
                         text->find_first_not_of("01234567") == std::string::npos;
      for (const char c : *text) umask = umask * 8 + static_cast<uint32_t>(c - '0');
      if (!octal || umask > 0777) WrongIn("umask", "it is no octal number from 0 to 0777");
      source_.unpack.umask = umask & 0777;
    }
    ReadLimits(&source_.unpack.limits);
  }

  void ReadLimits(LimitRequest* limits) {
    const auto most = [&](absl::string_view name) {
      return Number(name, TakeOption(name), 1, int64_t{1} << 60);
    };
    limits->bytes = most("max_bytes");
    limits->ratio = most("max_ratio");
    limits->files = most("max_files");
    limits->depth = most("max_depth");
    limits->path_length = most("max_path_length");
    if (const auto text = TakeOption("timeout")) {
      absl::Duration timeout;
      if (!absl::ParseDuration(*text, &timeout) || timeout <= absl::ZeroDuration() ||
          timeout == absl::InfiniteDuration()) {
        WrongIn("timeout", "it is no duration: \"90s\", \"10m\"");
      }
      limits->deadline = timeout;
    }
  }

  absl::optional<uint64_t> Number(absl::string_view name, const absl::optional<std::string>& text,
                                  int64_t least, int64_t most) {
    if (!text) return absl::nullopt;
    int64_t value = 0;
    const bool digits =
        !text->empty() && std::all_of(text->begin(), text->end(), absl::ascii_isdigit);
    if (!digits || !absl::SimpleAtoi(*text, &value) || value < least || value > most) {
      WrongIn(name, absl::StrCat("'", Shown(*text), "' is no number from ", least, " to ", most));
      return absl::nullopt;
    }
    return static_cast<uint64_t>(value);
  }

  bool Truth(absl::string_view name, const absl::optional<std::string>& text, bool otherwise) {
    if (!text) return otherwise;
    if (*text == "true" || *text == "1") return true;
    if (*text != "false" && *text != "0")
      WrongIn(name, absl::StrCat("'", Shown(*text), "' is neither true nor false"));
    return false;
  }

  // A text that a program or a protocol is given: no option, no control character.
  std::string Plain(absl::string_view name, absl::optional<std::string> text) {
    if (!text) return "";
    const bool wrong = absl::StartsWith(*text, "-") || text->size() > 255 ||
                       std::any_of(text->begin(), text->end(),
                                   [](unsigned char c) { return c <= 0x20 || c == 0x7f; });
    if (wrong) {
      WrongIn(name,
              "it begins with '-', is longer than 255 bytes, or has a space or a "
              "control character");
    }
    return *std::move(text);
  }

  void ReadOfKind() {
    switch (source_.kind) {
      case SourceKind::kGit:
        source_.git.ref = Plain("ref", Take("ref"));
        source_.git.depth =
            static_cast<int>(Number("depth", Take("depth"), 0, 1 << 30).value_or(0));
        source_.git.submodules = Truth("submodules", Take("submodules"), false);
        CheckPathNamed("repository");
        return;
      case SourceKind::kHg:
        source_.hg_rev = Plain("rev", Take("rev"));
        CheckPathNamed("repository");
        return;
      case SourceKind::kS3:
        return ReadS3();
      case SourceKind::kGcs:
        return ReadGcs();
      case SourceKind::kFile:
        if (!url_.host.empty() && url_.host != "localhost")
          Wrong("source", "a file has no host: file:///PATH");
        url_.host.clear();
        if (url_.path.empty() || url_.path == "/") Wrong("source", "it names no file");
        return;
      case SourceKind::kHttp:
        return;
    }
  }

  void CheckPathNamed(absl::string_view what) {
    if (url_.path.empty() || url_.path == "/")
      Wrong("source", absl::StrCat("it names no ", what, " on its host"));
  }

  void ReadS3() {
    S3Object& s3 = source_.s3;
    absl::StatusOr<ObjectPlace> place = ParseS3Url(url_);
    if (!place.ok()) return Wrong("source", place.status().message());
    s3.endpoint = std::move(place->endpoint);
    s3.bucket = std::move(place->bucket);
    s3.key = std::move(place->key);
    s3.region = Plain("region", Take("region"));
    if (s3.region.empty()) s3.region = place->region.empty() ? "us-east-1" : place->region;
    s3.version = Plain("version", Take("version"));
    s3.path_style = Truth("path_style", Take("path_style"), place->path_style);
  }

  void ReadGcs() {
    GcsObject& gcs = source_.gcs;
    absl::StatusOr<ObjectPlace> place = ParseGcsUrl(url_);
    if (!place.ok()) return Wrong("source", place.status().message());
    gcs.endpoint = std::move(place->endpoint);
    gcs.bucket = std::move(place->bucket);
    gcs.object = std::move(place->key);
    absl::optional<std::string> generation = Take("generation");
    if (!generation && !url_.fragment.empty()) generation = url_.fragment;
    url_.fragment.clear();
    gcs.generation =
        Number("generation", generation, 1, std::numeric_limits<int64_t>::max()).value_or(0);
  }

  // What is known to nobody here is the server's.
  void ReadRest() {
    const bool web = source_.kind == SourceKind::kHttp || source_.kind == SourceKind::kGit ||
                     source_.kind == SourceKind::kHg;
    if (!web) {
      for (const auto& [name, value] : url_.query) {
        Wrong("source", absl::StrCat("it has the parameter '", Shown(name), "', which a source of ",
                                     SourceKindName(source_.kind), " does not know"));
      }
    }
    for (const auto& [name, value] : options_) {
      if (name.empty() || absl::StrContains(name, '\0') || absl::StrContains(value, '\0')) {
        Wrong(FieldOf(Shown(name)), "it has no name, or a NUL");
      } else if (web) {
        url_.SetQuery(name, value);
      } else {
        Wrong(FieldOf(Shown(name)),
              absl::StrCat("a source of ", SourceKindName(source_.kind), " does not know it"));
      }
    }
    if (source_.kind != SourceKind::kHttp && !url_.fragment.empty())
      Wrong("source", "it has a fragment ('#')");
    url_.fragment.clear();
  }

  void ReadFileName() {
    if (!source_.file_name.empty()) return;
    std::string path = PercentDecode(url_.path, /*plus=*/false).value_or("");
    if (source_.kind == SourceKind::kS3) path = source_.s3.key;
    if (source_.kind == SourceKind::kGcs) path = source_.gcs.object;
    const std::string name = path.substr(path.rfind('/') + 1);
    if (IsFileName(name)) source_.file_name = name;
  }

  const std::map<std::string, std::string>& asked_;
  // What nothing has read yet.
  std::map<std::string, std::string> options_;
  UrlParts url_;
  ArtifactSource source_;
  std::vector<FieldViolation> violations_;
};

}  // namespace

absl::string_view SourceKindName(SourceKind kind) {
  switch (kind) {
    case SourceKind::kHttp:
      return "http";
    case SourceKind::kS3:
      return "s3";
    case SourceKind::kGcs:
      return "gcs";
    case SourceKind::kGit:
      return "git";
    case SourceKind::kHg:
      return "hg";
    case SourceKind::kFile:
      return "file";
  }
  return "";
}

absl::StatusOr<ArtifactSource> ParseArtifactSource(
    absl::string_view source, const std::map<std::string, std::string>& options) {
  return Reading(options).Run(source);
}

std::string RedactedSource(const ArtifactSource& source) {
  const bool plain = source.kind == SourceKind::kHttp || source.kind == SourceKind::kFile;
  absl::string_view url = source.url;
  const size_t end = std::min(url.find_first_of("?#"), url.size());
  std::string text =
      absl::StrCat(plain ? "" : SourceKindName(source.kind), plain ? "" : "::", url.substr(0, end),
                   source.subdir.empty() ? "" : "//", source.subdir, url.substr(end));
  const auto add = [&](absl::string_view name, absl::string_view value) {
    if (!value.empty())
      absl::StrAppend(&text, absl::StrContains(text, '?') ? "&" : "?", name, "=", value);
  };
  add("ref", source.git.ref);
  add("rev", source.hg_rev);
  add("version", source.s3.version);
  if (source.gcs.generation != 0) add("generation", absl::StrCat(source.gcs.generation));
  return RedactedUrl(text);
}

}  // namespace cloister::artifact
