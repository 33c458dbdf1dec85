#include "libs/artifact/archive_format.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace cloister::artifact {
namespace {

struct Ending {
  absl::string_view text;
  ArchiveFormat format;
};

// Longest first; the first of a format is its name.
constexpr Ending kEndings[] = {
    {"tar.bz2", ArchiveFormat::kTarBz2}, {"tar.zst", ArchiveFormat::kTarZst},
    {"tar.gz", ArchiveFormat::kTarGz},   {"tar.xz", ArchiveFormat::kTarXz},
    {"tbz2", ArchiveFormat::kTarBz2},    {"tzst", ArchiveFormat::kTarZst},
    {"tgz", ArchiveFormat::kTarGz},      {"txz", ArchiveFormat::kTarXz},
    {"tar", ArchiveFormat::kTar},        {"zip", ArchiveFormat::kZip},
    {"bz2", ArchiveFormat::kBz2},        {"zst", ArchiveFormat::kZst},
    {"gz", ArchiveFormat::kGz},          {"xz", ArchiveFormat::kXz},
};

bool HasEnding(absl::string_view name, absl::string_view ending) {
  return name.size() > ending.size() + 1 && absl::EndsWithIgnoreCase(name, ending) &&
         name[name.size() - ending.size() - 1] == '.';
}

absl::string_view BaseName(absl::string_view name) {
  return name.substr(name.rfind('/') == absl::string_view::npos ? 0 : name.rfind('/') + 1);
}

}  // namespace

absl::string_view ArchiveFormatName(ArchiveFormat format) {
  for (const Ending& ending : kEndings) {
    if (ending.format == format) return ending.text;
  }
  return "";
}

absl::optional<ArchiveFormat> ArchiveFormatOfName(absl::string_view file_name) {
  const absl::string_view name = BaseName(file_name);
  for (const Ending& ending : kEndings) {
    if (HasEnding(name, ending.text)) return ending.format;
  }
  return absl::nullopt;
}

bool IsSingleFile(ArchiveFormat format) {
  return format == ArchiveFormat::kGz || format == ArchiveFormat::kBz2 ||
         format == ArchiveFormat::kXz || format == ArchiveFormat::kZst;
}

std::string WithoutArchiveEnding(absl::string_view file_name, ArchiveFormat format) {
  for (const Ending& ending : kEndings) {
    if (ending.format == format && HasEnding(file_name, ending.text))
      return std::string(file_name.substr(0, file_name.size() - ending.text.size() - 1));
  }
  return std::string(file_name);
}

absl::optional<ArchiveFormat> ArchiveChoice::FormatOf(absl::string_view file_name) const {
  if (kind == Kind::kOff) return absl::nullopt;
  if (kind == Kind::kFormat) return format;
  return ArchiveFormatOfName(file_name);
}

absl::StatusOr<ArchiveChoice> ParseArchiveChoice(absl::string_view text) {
  ArchiveChoice choice;
  if (text.empty() || text == "true") return choice;
  if (text == "false" || text == "0") {
    choice.kind = ArchiveChoice::Kind::kOff;
    return choice;
  }
  std::string names;
  for (const Ending& ending : kEndings) {
    if (ending.text == text) {
      choice.kind = ArchiveChoice::Kind::kFormat;
      choice.format = ending.format;
      return choice;
    }
    absl::StrAppend(&names, names.empty() ? "" : ", ", ending.text);
  }
  return absl::InvalidArgumentError(absl::StrCat("'", absl::CHexEscape(text.substr(0, 48)),
                                                 "' is no archive format: false, ", names));
}

}  // namespace cloister::artifact
