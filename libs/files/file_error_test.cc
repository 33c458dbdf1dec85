#include "libs/files/file_error.h"

#include <errno.h>
#include <gtest/gtest.h>

#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "libs/files/joiner_message.h"

namespace cloister::files {
namespace {

TEST(FileError, SaysWhatWhichAndWhy) {
  const absl::Status status = FileError("read", "/local/x", kStepOpen, ENOENT);
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kNotFound, "read '/local/x': no such file or directory"));
  EXPECT_EQ(GetReason(status), kFileNotFound);
}

TEST(FileError, TellsWhatProgramsBranchOn) {
  EXPECT_EQ(GetReason(FileError("read", "/x", kStepOpen, EACCES)), kFileNotAllowed);
  EXPECT_EQ(GetReason(FileError("put", "/x", kStepOpen, EXDEV)), kPathLeadsOut);
  EXPECT_EQ(GetReason(FileError("read", "/x", kStepOpen, ELOOP)), kPathLeadsOut);
  EXPECT_EQ(GetReason(FileError("read", "/x", kStepKind, ENXIO)), kFileKindRefused);
  EXPECT_EQ(GetReason(FileError("put", "/x", kStepReplace, EISDIR)), kFileKindRefused);
  EXPECT_EQ(GetReason(FileError("put", "/x", kStepWrite, ENOSPC)), kNoSpaceLeft);
  EXPECT_EQ(GetReason(FileError("read", "/x", kStepNotRunning, ESRCH)), "TASK_NOT_RUNNING");
  EXPECT_EQ(GetReason(FileError("read", "/x", kStepEnter, ESRCH)), kJoinerEnded);
  EXPECT_EQ(GetReason(FileError("list", "/x", kStepChanged, ESTALE)), kFileChanged);
}

TEST(FileError, IsNeverOk) {
  for (uint32_t step = 0; step < 25; ++step) {
    for (int error = 0; error < 140; ++error) {
      EXPECT_FALSE(FileError("read", "/x", step, error).ok());
    }
  }
}

TEST(FileError, ShowsAHostileNameWithoutItsControlCharacters) {
  EXPECT_THAT(
      FileError("read", "/\x1b\xff", kStepOpen, ENOENT),
      StatusIs(absl::StatusCode::kNotFound, "read '/\\x1b\\xff': no such file or directory"));
}

TEST(FileError, OfAJoinerThatIsGoneSaysWhetherItsTimeWasUp) {
  EXPECT_EQ(GetReason(JoinerGone("read", "/x", true)), kFileCallExpired);
  EXPECT_EQ(GetReason(JoinerGone("read", "/x", false)), kJoinerEnded);
}

}  // namespace
}  // namespace cloister::files
