#include "libs/task/parse_artifacts.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/task/parse_task_mounts.h"
#include "libs/task/parse_volume_mounts.h"
#include "libs/task/violations.h"

namespace cloister::task {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kSum[] =
    "options { key: 'checksum' value: "
    "'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' } ";

struct Parsed {
  std::vector<ArtifactSpec> artifacts;
  std::vector<std::string> violations;
};

Parsed Parse(const std::string& text) {
  v1::TaskConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  Violations violations;
  const auto volumes = ParseVolumeMounts(config, &violations);
  const auto mounts = ParseTaskMounts(config, volumes, &violations);
  Parsed parsed;
  parsed.artifacts = ParseArtifacts(config, volumes, mounts, &violations);
  for (const FieldViolation& violation : GetFieldViolations(violations.ToStatus())) {
    parsed.violations.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  return parsed;
}

Parsed To(const std::string& destination, const std::string& more = "") {
  return Parse(absl::StrCat("artifacts { source: 'https://h/x' destination: '", destination, "' ",
                            more, "}"));
}

TEST(ParseArtifactsTest, DefaultsAreThePages) {
  const Parsed parsed = Parse("artifacts { source: 'https://h/d/x.tar.gz' }");
  ASSERT_THAT(parsed.violations, IsEmpty());
  ASSERT_EQ(parsed.artifacts.size(), 1u);
  EXPECT_EQ(parsed.artifacts[0].directory, "/local");
  EXPECT_EQ(parsed.artifacts[0].mode, ArtifactSpec::Mode::kAny);
  EXPECT_EQ(parsed.artifacts[0].cache, ArtifactSpec::Cache::kTenant);
  EXPECT_FALSE(parsed.artifacts[0].chown);
  EXPECT_EQ(parsed.artifacts[0].parsed.file_name, "x.tar.gz");
}

TEST(ParseArtifactsTest, EverythingThatIsWrongIsToldWithItsPlace) {
  EXPECT_THAT(Parse("artifacts { } artifacts { source: 'https://h/x' mode: 'tree' cache: 'all' "
                    "destination: '../x' headers { key: 'a b' value: '1' } "
                    "headers { key: 'X' value: '1\\r\\nY: 2' } }")
                  .violations,
              ElementsAre("artifacts[0].source: must be provided", HasSubstr("artifacts[1].mode: "),
                          HasSubstr("artifacts[1].cache: "),
                          HasSubstr("artifacts[1].headers[X]: the value must not contain"),
                          HasSubstr("artifacts[1].headers[a b]: is not the name of a header"),
                          "artifacts[1].destination: must not contain '..'"));
}

TEST(ParseArtifactsTest, WhatTheSourceSaysIsJudgedWithIt) {
  EXPECT_THAT(
      Parse("artifacts { source: 'https://h/x' options { key: 'checksum' value: 'md5:0' } }")
          .violations,
      Contains(HasSubstr("artifacts[0].options[checksum]: ")));
}

TEST(ParseArtifactsTest, EverybodyIsServedOnlyWhatAChecksumNames) {
  EXPECT_THAT(To("local", "cache: 'public'").violations,
              ElementsAre(HasSubstr("artifacts[0].cache: \"public\" needs a checksum")));
  EXPECT_THAT(To("local", absl::StrCat("cache: 'public' ", kSum)).violations, IsEmpty());
}

TEST(ParseArtifactsTest, DestinationsLieInTheTasksRootAndNotInWhatIsClosed) {
  for (const char* good :
       {"local/", "/local/a/b", "tmp", "alloc/data", "opt/x", "/srv", "secrets", "/secrets/a/b"}) {
    EXPECT_THAT(To(good).violations, IsEmpty()) << good;
  }
  for (const char* bad :
       {"/", ".", "secrets/../dev", "proc/x", "/dev", "alloc/logs/x", "a/../b", "local/../../x"}) {
    EXPECT_THAT(To(bad).violations, Not(IsEmpty())) << bad;
  }
  EXPECT_THAT(To("file-in-root", "mode: 'file'").violations,
              ElementsAre(HasSubstr("is in the task's root itself")));
  EXPECT_THAT(To("local", "mode: 'file'").violations, ElementsAre(HasSubstr("name a file in it")));
  EXPECT_THAT(To("secrets", "mode: 'file'").violations, Not(IsEmpty()));
  EXPECT_THAT(To("secrets/key", "mode: 'file'").violations, IsEmpty());
}

TEST(ParseArtifactsTest, NothingLiesInAMountOfTheTask) {
  constexpr char kMounts[] =
      "volumes { name: 'v' } volume_mounts { volume: 'v' destination: '/local/data' } "
      "config { mounts { type: 'tmpfs' destination: '/cache' } } ";
  const auto at = [&](const std::string& destination) {
    return Parse(absl::StrCat(kMounts, "artifacts { source: 'https://h/x' destination: '",
                              destination, "' }"))
        .violations;
  };
  EXPECT_THAT(at("local"), IsEmpty());
  EXPECT_THAT(at("local/data/x"), ElementsAre(HasSubstr("lies in the mount '/local/data'")));
  EXPECT_THAT(at("/cache"), ElementsAre(HasSubstr("lies in the mount '/cache'")));
}

}  // namespace
}  // namespace cloister::task
