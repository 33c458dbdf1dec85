#include "libs/files/file_error.h"

#include <errno.h>

#include "absl/strings/str_cat.h"
#include "libs/base/errno_status.h"
#include "libs/base/error_reason.h"
#include "libs/files/file_path.h"
#include "libs/files/joiner_message.h"

namespace cloister::files {
namespace {

using absl::StatusCode;

struct Cause {
  StatusCode code;
  absl::string_view reason;
  // Empty: the system's words.
  absl::string_view words;
};

Cause OfKind(int error) {
  if (error == EISDIR) return {StatusCode::kFailedPrecondition, kFileKindRefused, "is a directory"};
  if (error == ENOTDIR) {
    return {StatusCode::kFailedPrecondition, kFileKindRefused, "is not a directory"};
  }
  return {StatusCode::kFailedPrecondition, kFileKindRefused,
          "is no regular file: FIFOs, sockets, devices and the kernel's own files are not read"};
}

Cause OfErrno(int error) {
  switch (error) {
    case ENOENT:
      return {StatusCode::kNotFound, kFileNotFound, ""};
    case EBADF:
      // Of an ended task: a directory that it never had.
      return {StatusCode::kNotFound, kFileNotFound, "no such directory"};
    case EACCES:
    case EPERM:
      return {StatusCode::kPermissionDenied, kFileNotAllowed, "the task's user may not"};
    case EROFS:
      return {StatusCode::kPermissionDenied, kFileNotAllowed, ""};
    case EXDEV:
      return {StatusCode::kFailedPrecondition, kPathLeadsOut,
              "leads out of the task's own directory (a link, a volume, or '..')"};
    case ELOOP:
      return {StatusCode::kFailedPrecondition, kPathLeadsOut,
              "leads through a process's descriptors or too many links"};
    case EISDIR:
    case ENOTDIR:
      return OfKind(error);
    case ENXIO:
    case ENODEV:
      return OfKind(ENXIO);
    case EAGAIN:
      return {StatusCode::kAborted, kFileChanged, "it changes all the time"};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return {StatusCode::kResourceExhausted, kNoSpaceLeft, ""};
    case ENAMETOOLONG:
      return {StatusCode::kInvalidArgument, kFileFailed, ""};
    default:
      return {StatusCode::kInternal, kFileFailed, ""};
  }
}

Cause CauseOf(uint32_t step, int error) {
  switch (step) {
    case kStepNotRunning:
      return {StatusCode::kFailedPrecondition, "TASK_NOT_RUNNING",
              "the task has just ended: ask again for what is left of it"};
    case kStepKind:
      return OfKind(error);
    case kStepPlace:
      if (error != ENOENT) {
        return {StatusCode::kFailedPrecondition, kPathLeadsOut,
                "is not beneath a directory of the task's own that is still there"};
      }
      return {StatusCode::kNotFound, kFileNotFound,
              "of an ended task /local, /alloc and /tmp are left"};
    case kStepChanged:
      return {StatusCode::kAborted, kFileChanged,
              "another directory has taken its place: list anew"};
    case kStepStart:
    case kStepCgroup:
    case kStepEnter:
      if (error == ESRCH || error == ENODEV || error == ENOENT) {
        return {StatusCode::kAborted, kJoinerEnded, "the task has just ended: ask again"};
      }
      return {StatusCode::kUnavailable, kJoinerEnded, ""};
    case kStepIdentity:
    case kStepProgram:
    case kStepPrepare:
      return {StatusCode::kInternal, kFileFailed, ""};
    default:
      return OfErrno(error);
  }
}

absl::string_view WhatFailed(uint32_t step) {
  switch (step) {
    case kStepStart:
      return "start the joiner: ";
    case kStepCgroup:
      return "join the task's cgroup: ";
    case kStepEnter:
      return "enter the task: ";
    case kStepIdentity:
      return "become the task's user: ";
    case kStepProgram:
    case kStepPrepare:
      return "run the joiner: ";
    default:
      return "";
  }
}

}  // namespace

absl::Status FileError(absl::string_view verb, absl::string_view path, uint32_t step, int error) {
  const Cause cause = CauseOf(step, error);
  const std::string words = cause.words.empty() ? ErrnoWords(error) : std::string(cause.words);
  return WithReason(absl::Status(cause.code, absl::StrCat(verb, " '", ShownPath(path),
                                                          "': ", WhatFailed(step), words)),
                    cause.reason, {{"errno", absl::StrCat(error)}});
}

absl::Status JoinerGone(absl::string_view verb, absl::string_view path, bool expired) {
  const std::string what = absl::StrCat(verb, " '", ShownPath(path), "': ");
  if (expired) {
    return WithReason(absl::DeadlineExceededError(absl::StrCat(what, "the call took too long")),
                      kFileCallExpired);
  }
  return WithReason(
      absl::AbortedError(absl::StrCat(
          what, "the joiner ended: with its task, or at the task's memory limit. Ask again")),
      kJoinerEnded);
}

}  // namespace cloister::files
