#include <gtest/gtest.h>

#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

constexpr char kProgram[] = "libs/artifact/examples/fetch_artifact";

TEST(FetchArtifactExample, RefusesWhatTheDefaultPolicyRefuses) {
  for (const char* source :
       {"http://127.0.0.1/x", "http://169.254.169.254/latest", "file:///etc/passwd"}) {
    EXPECT_THAT(RunProgram({kProgram, source, ::testing::TempDir() + "/out"}),
                StatusIs(absl::StatusCode::kFailedPrecondition))
        << source;
    RunProgram({"/bin/rmdir", ::testing::TempDir() + "/out"}).IgnoreError();
  }
}

TEST(FetchArtifactExample, SaysWhatIsWrongWithASource) {
  EXPECT_FALSE(RunProgram({kProgram, "s3::x", ::testing::TempDir() + "/out"}).ok());
  EXPECT_FALSE(RunProgram({kProgram}).ok());
}

}  // namespace
}  // namespace cloister::artifact
