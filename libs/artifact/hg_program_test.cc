#include "libs/artifact/hg_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Programs that stand in for hg; the real one is run by hg_fetch_test.
class HgProgramTest : public ::testing::Test {
 protected:
  HgProgramTest() {
    directory_ = absl::StrCat(::testing::TempDir(), "/hg.XXXXXX");
    EXPECT_NE(mkdtemp(&directory_[0]), nullptr);
  }
  absl::Status Run(const std::string& script, absl::Time deadline = absl::InfiniteFuture()) {
    HgArchive archive;
    archive.program = directory_ + "/program";
    WriteFile(archive.program, absl::StrCat("#!/bin/sh\n", script));
    EXPECT_EQ(chmod(archive.program.c_str(), 0755), 0);
    archive.bundle = directory_ + "/bundle";
    archive.node = node_;
    archive.scratch = directory_;
    archive.tar = directory_ + "/tar";
    archive.deadline = deadline;
    return MakeHgArchive(archive);
  }

  std::string directory_;
  std::string node_ = std::string(40, 'a');
};

TEST_F(HgProgramTest, ItIsInOneOfTwoPlaces) { EXPECT_THAT(FindHgProgram(), HasSubstr("bin/hg")); }

TEST_F(HgProgramTest, NothingOfTheCallersEnvironmentOrDescriptorsGoesToIt) {
  setenv("HGRCPATH", "/etc/evil", 1);
  setenv("SECRET", "secret", 1);
  ASSERT_THAT(Run("env; echo \"$@\"; ls /proc/self/fd"), IsOk());
  const std::string said = FileContents(directory_ + "/said");
  EXPECT_THAT(said,
              AllOf(HasSubstr("HGRCPATH=\n"), HasSubstr("HGRCSKIPREPO=1\n"),
                    HasSubstr("--repository " + directory_ + "/bundle archive --rev " + node_),
                    Not(HasSubstr("SECRET")), Not(HasSubstr("evil"))));
  // That of ls is 3.
  EXPECT_THAT(said, AllOf(HasSubstr("\n2\n"), Not(HasSubstr("\n4\n"))));
}

TEST_F(HgProgramTest, WhyItFailsIsSaid) {
  EXPECT_THAT(Run("echo 'abort: \033[2Jbad'; echo '(see help)'; exit 255"),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("exit code 255"), HasSubstr("abort: \\x1b[2Jbad"))));
  EXPECT_THAT(Run("seq 100000; echo 'TypeError: last' >&2; exit 1"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("): TypeError: last")));
  EXPECT_THAT(Run("kill -9 $$"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Run("kill -11 $$"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("signal 11")));
}

TEST_F(HgProgramTest, ItEndsAtItsDeadline) {
  EXPECT_THAT(Run("exec tail -f /dev/null", absl::Now()),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(HgProgramTest, NothingButAnIdGoesOnItsCommandLine) {
  for (const char* node : {"", "tip", "--config=hooks.pre-archive=touch x"}) {
    node_ = node;
    EXPECT_THAT(Run("exit 0"), StatusIs(absl::StatusCode::kInvalidArgument)) << node;
  }
}

}  // namespace
}  // namespace cloister::artifact
