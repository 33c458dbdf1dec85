// What a file is packed as, told by its name or by who asked: never by its content, which the
// sender chooses. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_ARCHIVE_FORMAT_H_
#define CLOISTER_LIBS_ARTIFACT_ARCHIVE_FORMAT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::artifact {

enum class ArchiveFormat {
  kTar,
  kTarGz,
  kTarBz2,
  kTarXz,
  kTarZst,
  kZip,
  // One compressed file: what comes out is a file, not a tree.
  kGz,
  kBz2,
  kXz,
  kZst,
};

// "tar.gz": the first of its names.
absl::string_view ArchiveFormatName(ArchiveFormat format);

// The format that the end of a file name says, the longest ending first ("a.tar.gz" is a tar, not a
// gz), in any case of letters. "tgz", "tbz2", "txz" and "tzst" are known. None: no archive. An
// ending needs something before it: ".zip" is a hidden file.
absl::optional<ArchiveFormat> ArchiveFormatOfName(absl::string_view file_name);

// True for kGz, kBz2, kXz and kZst.
bool IsSingleFile(ArchiveFormat format);

// `file_name` without its ending: "tool.gz" gives "tool". The name itself if it has not that
// ending.
std::string WithoutArchiveEnding(absl::string_view file_name, ArchiveFormat format);

// What the option `archive` asks for.
struct ArchiveChoice {
  enum class Kind { kByName, kOff, kFormat };
  Kind kind = Kind::kByName;
  // With kFormat.
  ArchiveFormat format = ArchiveFormat::kTar;

  // The format for a file of that name; none where it stays as it is.
  absl::optional<ArchiveFormat> FormatOf(absl::string_view file_name) const;
};

// "" and "true": by name; "false" and "0": off; else the name of a format. INVALID_ARGUMENT lists
// the names.
absl::StatusOr<ArchiveChoice> ParseArchiveChoice(absl::string_view text);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_ARCHIVE_FORMAT_H_
