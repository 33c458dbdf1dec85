// Why a call of the file API failed, in words: the joiner's step and errno, with the path that was
// asked for. Every reason is listed in docs/errors.md.
#ifndef CLOISTER_LIBS_FILES_FILE_ERROR_H_
#define CLOISTER_LIBS_FILES_FILE_ERROR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cloister::files {

inline constexpr absl::string_view kFileNotFound = "FILE_NOT_FOUND";
inline constexpr absl::string_view kFileNotAllowed = "FILE_NOT_ALLOWED";
// A link leads out of where the file may be, or through a process.
inline constexpr absl::string_view kPathLeadsOut = "PATH_LEADS_OUT";
// No regular file, or no directory, as the call needs.
inline constexpr absl::string_view kFileKindRefused = "FILE_KIND_REFUSED";
// It was another one by the time it was used.
inline constexpr absl::string_view kFileChanged = "FILE_CHANGED";
inline constexpr absl::string_view kNoSpaceLeft = "NO_SPACE_LEFT";
inline constexpr absl::string_view kFileFailed = "FILE_FAILED";
// The joiner was killed: with its task, by the task's memory limit, or with its launcher.
inline constexpr absl::string_view kJoinerEnded = "JOINER_ENDED";
inline constexpr absl::string_view kFileCallExpired = "FILE_CALL_EXPIRED";
inline constexpr absl::string_view kTooManyFileCalls = "TOO_MANY_FILE_CALLS";

// `verb` is that of the sentence: "read '/local/x': no such file or directory". `step` and `error`
// are those of files::FrameHeader.
absl::Status FileError(absl::string_view verb, absl::string_view path, uint32_t step, int error);

// A joiner that ended without a word; `expired`: because its time was up.
absl::Status JoinerGone(absl::string_view verb, absl::string_view path, bool expired);

}  // namespace cloister::files

#endif  // CLOISTER_LIBS_FILES_FILE_ERROR_H_
