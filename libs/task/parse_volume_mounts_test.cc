#include "libs/task/parse_volume_mounts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"

namespace cloister::task {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::TaskConfig Config(absl::string_view text) {
  v1::TaskConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), &config)) << text;
  return config;
}

std::vector<std::string> Problems(const v1::TaskConfig& config) {
  Violations violations;
  ParseVolumeMounts(config, &violations);
  std::vector<std::string> all;
  for (const FieldViolation& violation : GetFieldViolations(violations.ToStatus())) {
    all.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  return all;
}

v1::TaskConfig WithDestination(const std::string& destination) {
  v1::TaskConfig config = Config("volumes { name: 'v' } volume_mounts { volume: 'v' }");
  config.mutable_volume_mounts(0)->set_destination(destination);
  return config;
}

std::string ProblemOf(const std::string& destination) {
  const std::vector<std::string> all = Problems(WithDestination(destination));
  return all.size() == 1 ? all[0] : absl::StrCat(all.size(), " problems");
}

TEST(ParseVolumeMounts, AMountAndItsVolumeSayTogetherWhatIsMounted) {
  Violations violations;
  const std::vector<VolumeMount> mounts = ParseVolumeMounts(
      Config("volumes { name: 'a' } volumes { name: 'b' source: 'data' read_only: true }"
             "volume_mounts { volume: 'b' destination: 'srv//x/' propagation_mode: 'host-to-task' }"
             "volume_mounts { volume: 'a' destination: '/local/a' read_only: true }"
             "volume_mounts { volume: 'a' destination: '/c' propagation_mode: 'bidirectional' }"),
      &violations);
  ASSERT_TRUE(violations.ToStatus().ok()) << violations.ToStatus();
  ASSERT_EQ(mounts.size(), 3u);
  EXPECT_EQ(mounts[0].source, "data");
  EXPECT_EQ(mounts[0].destination, "/srv/x");
  EXPECT_TRUE(mounts[0].read_only);
  EXPECT_EQ(mounts[0].propagation, Propagation::kHostToTask);
  EXPECT_EQ(mounts[1].source, "a");
  EXPECT_TRUE(mounts[1].read_only);
  EXPECT_FALSE(mounts[2].read_only);
  EXPECT_EQ(mounts[2].propagation, Propagation::kBidirectional);
}

TEST(ParseVolumeMounts, EverythingWrongIsToldAtOnce) {
  EXPECT_THAT(
      Problems(Config("volumes { name: '../x' type: 'csi' } volumes { name: 'a' source: 'b/c' }"
                      "volumes { name: 'a' }"
                      "volume_mounts { volume: 'nope' propagation_mode: 'shared' }"
                      "volume_mounts { volume: 'a' destination: '/x' read_only: true "
                      "propagation_mode: 'bidirectional' }")),
      ElementsAre(HasSubstr("volumes[0].name: must be 1 to 128 characters"),
                  "volumes[0].type: must be \"host\" but is 'csi'",
                  HasSubstr("volumes[1].source: must be 1 to 128 characters"),
                  "volumes[2].name: another volume is named 'a', too",
                  "volume_mounts[0].volume: no volume of the task is named 'nope'",
                  "volume_mounts[0].destination: must be provided",
                  HasSubstr("volume_mounts[0].propagation_mode: must be \"private\", "),
                  "volume_mounts[1].propagation_mode: \"bidirectional\" and read_only exclude "
                  "each other"));
}

TEST(ParseVolumeMounts, ADestinationCannotLeadOutOfTheRoot) {
  for (const char* path : {"..", "/..", "../../etc", "/a/../../x", "a/..", "/local/.."}) {
    EXPECT_EQ(ProblemOf(path), "volume_mounts[0].destination: must not contain '..'") << path;
  }
  EXPECT_THAT(ProblemOf(std::string("/a\0b", 4)), HasSubstr("must not contain NUL"));
  EXPECT_THAT(ProblemOf("/" + std::string(300, 'x')), HasSubstr("a name of 300 bytes"));
  EXPECT_THAT(ProblemOf(std::string(5000, '/')), HasSubstr("has 5000 bytes"));
  EXPECT_THAT(Problems(WithDestination("/a/..b/c..")), IsEmpty());
}

TEST(ParseVolumeMounts, ADestinationIsNoneOfTheDirectoriesThatEveryTaskHas) {
  for (const char* path : {"/local", "/tmp/", "//alloc", "alloc/data", "/alloc/tmp"}) {
    EXPECT_THAT(ProblemOf(path), HasSubstr("every task has of its own")) << path;
  }
  for (const char* path : {"/proc", "/proc/sys", "/sys/x", "/dev/null", "/secrets", "/secrets/a",
                           "/alloc/logs", "/alloc/logs/x"}) {
    EXPECT_THAT(ProblemOf(path), HasSubstr("nothing can be mounted in")) << path;
  }
  EXPECT_THAT(ProblemOf("/"), HasSubstr("is the task's root"));
  EXPECT_THAT(ProblemOf("/./"), HasSubstr("is the task's root"));
  for (const char* path : {"/local/x", "/tmp/x", "/alloc/data/x", "/alloc/x", "/procs", "/srv"}) {
    EXPECT_THAT(Problems(WithDestination(path)), IsEmpty()) << path;
  }
}

TEST(ParseVolumeMounts, DestinationsNeitherMeetNorLieInOneAnother) {
  const auto both = [](absl::string_view a, absl::string_view b) {
    return Problems(
        Config(absl::StrCat("volumes { name: 'v' } volume_mounts { volume: 'v' destination: '", a,
                            "' } volume_mounts { volume: 'v' destination: '", b, "' }")));
  };
  EXPECT_THAT(both("/a", "a/"), ElementsAre(HasSubstr("another volume_mount has the destination")));
  EXPECT_THAT(both("/a", "/a/b"), ElementsAre(HasSubstr("one lies in the other")));
  EXPECT_THAT(both("/a/b", "/a"), ElementsAre(HasSubstr("one lies in the other")));
  EXPECT_THAT(both("/a", "/ab"), IsEmpty());
}

TEST(ParseVolumeMounts, TheirNumberIsBounded) {
  v1::TaskConfig config;
  for (int i = 0; i <= kMaxVolumes; ++i) {
    config.add_volumes()->set_name(absl::StrCat("v", i));
    config.add_volume_mounts();
  }
  EXPECT_THAT(Problems(config), ElementsAre("volumes: has 33 entries, at most 32",
                                            "volume_mounts: has 33 entries, at most 32"));
}

}  // namespace
}  // namespace cloister::task
