#include "libs/base/errno_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "absl/status/status.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace {

using ::testing::HasSubstr;

TEST(ErrnoStatus, SaysWhatFailedAndWhyInLowerCase) {
  EXPECT_THAT(ErrnoStatus(ENOENT, "mounts[3] '/srv/data' on '/data'"),
              StatusIs(absl::StatusCode::kNotFound,
                       "mounts[3] '/srv/data' on '/data': no such file or directory"));
}

TEST(ErrnoStatus, ChoosesTheCanonicalCode) {
  EXPECT_THAT(ErrnoStatus(EPERM, "x"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(ErrnoStatus(EACCES, "x"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(ErrnoStatus(EINVAL, "x"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ErrnoStatus(EEXIST, "x"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(ErrnoStatus(ENOSPC, "x"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ErrnoStatus(EAGAIN, "x"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(ErrnoStatus, IsNeverOk) {
  EXPECT_THAT(ErrnoStatus(0, "open '/x'"),
              StatusIs(absl::StatusCode::kInternal, "open '/x': failed without errno"));
}

TEST(ErrnoOf, GivesTheNumberBack) {
  EXPECT_EQ(ErrnoOf(ErrnoStatus(EBUSY, "x")), EBUSY);
  EXPECT_EQ(ErrnoOf(Annotate(ErrnoStatus(EBUSY, "x"), "while removing")), EBUSY);
  EXPECT_EQ(ErrnoOf(absl::NotFoundError("x")), 0);
  EXPECT_EQ(ErrnoOf(absl::OkStatus()), 0);
}

TEST(IsShortage, IsWhatPasses) {
  for (int error_number : {EMFILE, ENFILE, ENOMEM}) {
    EXPECT_TRUE(IsShortage(Annotate(ErrnoStatus(error_number, "x"), "while removing")));
  }
  EXPECT_FALSE(IsShortage(ErrnoStatus(ENOSPC, "x")));
  EXPECT_FALSE(IsShortage(absl::ResourceExhaustedError("x")));
  EXPECT_FALSE(IsShortage(absl::OkStatus()));
}

TEST(ErrnoWords, KeepsTheCapitalsOfNames) {
  EXPECT_EQ(ErrnoWords(EDOTDOT), "RFS specific error");
  EXPECT_EQ(ErrnoWords(ENAVAIL), "no XENIX semaphores available");
}

TEST(ErrnoWords, NamesTheNumberOfAnUnknownErrno) {
  EXPECT_THAT(ErrnoWords(4000), HasSubstr("4000"));
}

}  // namespace
}  // namespace cloister
