#include "libs/plan/plan_artifacts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"
#include "libs/plan/testing/example_node.h"

namespace cloister::plan {
namespace {

using internal::ArtifactPlan;
using internal::Mount;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PlanArtifactsTest : public testing::Test {
 protected:
  PlanArtifactsTest() { root_.add_binds()->set_inside("/usr"); }

  absl::StatusOr<ArtifactParts> Plan(const std::string& artifacts) {
    return PlanArtifacts(ExampleSpec("config { command: 'x' } " + artifacts), policy_, &root_);
  }
  static std::string To(const std::string& destination, const std::string& more = "") {
    return absl::StrCat("artifacts { source: 'https://h/tool' destination: '", destination, "' ",
                        more, " } ");
  }

  node::NodePolicy policy_ = node::DefaultNodePolicy();
  internal::RootTemplate root_;
};

TEST_F(PlanArtifactsTest, WithoutADestinationItComesIntoLocal) {
  const auto parts = Plan("artifacts { source: 'https://h/tool' }");
  ASSERT_THAT(parts, IsOk());
  ASSERT_EQ(parts->artifacts.size(), 1u);
  EXPECT_EQ(parts->artifacts[0].directory(), "/local");
  EXPECT_EQ(parts->artifacts[0].home(), "local");
  EXPECT_EQ(parts->artifacts[0].file_name(), "");
  EXPECT_THAT(parts->mounts, IsEmpty());
}

TEST_F(PlanArtifactsTest, AFileHasItsNameFromTheDestination) {
  const auto parts = Plan(To("local/bin/x", "mode: 'file'"));
  ASSERT_THAT(parts, IsOk());
  EXPECT_EQ(parts->artifacts[0].directory(), "/local/bin");
  EXPECT_EQ(parts->artifacts[0].home(), "local/bin");
  EXPECT_EQ(parts->artifacts[0].file_name(), "x");
  EXPECT_EQ(parts->artifacts[0].mode(), ArtifactPlan::MODE_FILE);
}

TEST_F(PlanArtifactsTest, ElsewhereInTheRootItGetsADirectoryForAllThatLieThere) {
  const auto parts = Plan(To("/opt/app") + To("opt/app/") + To("/srv/x", "chown: true"));
  ASSERT_THAT(parts, IsOk());
  ASSERT_EQ(parts->mounts.size(), 2u);
  EXPECT_EQ(parts->mounts[0].kind(), Mount::KIND_TASK_DIRECTORY);
  EXPECT_EQ(parts->mounts[0].inside(), "/opt/app");
  EXPECT_TRUE(parts->mounts[0].read_only());
  EXPECT_EQ(parts->artifacts[0].home(), parts->mounts[0].source());
  EXPECT_EQ(parts->artifacts[1].home(), parts->mounts[0].source());
  EXPECT_EQ(parts->artifacts[2].home(), parts->mounts[1].source());
  // What the task owns it may also write beside.
  EXPECT_FALSE(parts->mounts[1].read_only());
  std::vector<std::string> made;
  for (const auto& directory : root_.directories()) made.push_back(directory.inside());
  EXPECT_THAT(made, ElementsAre("/opt", "/opt/app", "/srv", "/srv/x"));
}

TEST_F(PlanArtifactsTest, InSecretsItNeedsNoDirectoryOfTheNode) {
  const auto parts = Plan(To("secrets/tls") + To("secrets/key", "mode: 'file'"));
  ASSERT_THAT(parts, IsOk());
  EXPECT_THAT(parts->mounts, IsEmpty());
  EXPECT_EQ(parts->artifacts[0].home(), "secrets/tls");
  EXPECT_EQ(parts->artifacts[1].home(), "secrets");
  EXPECT_EQ(parts->artifacts[1].file_name(), "key");
}

TEST_F(PlanArtifactsTest, WithinWhatTheNodeHasThereIsNoRoom) {
  const auto violations = GetFieldViolations(Plan(To("/usr/lib/x") + To("/usr/y")).status());
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field, "artifacts[0].destination");
  EXPECT_EQ(violations[1].field, "artifacts[1].destination");
}

TEST_F(PlanArtifactsTest, ANodeThatFetchesNothingRefuses) {
  policy_.artifacts.enabled = false;
  const absl::Status status = Plan(To("local")).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("artifacts[0]")));
  EXPECT_EQ(GetReason(status), "ARTIFACT_SOURCE_NOT_ALLOWED");
}

}  // namespace
}  // namespace cloister::plan
