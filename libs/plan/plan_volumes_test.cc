#include "libs/plan/plan_volumes.h"

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

using internal::Mount;
using node::HostPath;
using node::VolumePropagation;
using ::testing::Contains;
using ::testing::HasSubstr;

class PlanVolumesTest : public testing::Test {
 protected:
  PlanVolumesTest() {
    policy_.host_volumes = {{"data", "/srv/data", false, VolumePropagation::kHostToTask},
                            {"certs", "/srv/certs", true, VolumePropagation::kPrivate},
                            {"gone", "/srv/gone", false, VolumePropagation::kBidirectional}};
    facts_.volume_sources = {
        {"/srv/data", HostPath::Kind::kDirectory, true, "/disks/1/data", 8, 42},
        {"/srv/certs", HostPath::Kind::kDirectory, false, "/srv/certs", 8, 43},
        {"/srv/gone"}};
    root_.add_directories()->set_inside("/usr");
    root_.add_binds()->set_inside("/usr");
    root_.add_binds()->set_inside("/run/systemd/resolve");
    root_.add_links()->set_inside("/bin");
  }

  absl::StatusOr<std::vector<Mount>> Plan(const std::string& mounts) {
    return PlanVolumes(
        ExampleSpec("config { command: 'x' } volumes { name: 'data' } volumes { name: 'certs' } "
                    "volumes { name: 'gone' } volumes { name: 'other' source: 'nope' } " +
                    mounts),
        facts_, policy_, &root_);
  }
  absl::StatusOr<std::vector<Mount>> PlanAt(const std::string& volume, const std::string& place,
                                            const std::string& more = "") {
    return Plan(absl::StrCat("volume_mounts { volume: '", volume, "' destination: '", place, "' ",
                             more, " }"));
  }
  std::string Violation(const std::string& place) {
    const auto violations = GetFieldViolations(PlanAt("data", place).status());
    return violations.size() == 1
               ? absl::StrCat(violations[0].field, ": ", violations[0].description)
               : "";
  }

  node::NodeFacts facts_ = ExampleFacts(node::CgroupLayout::kV2);
  node::NodePolicy policy_ = node::DefaultNodePolicy();
  internal::RootTemplate root_;
};

TEST_F(PlanVolumesTest, AVolumeIsTheDirectoryThatWasFoundAndNoOther) {
  const auto mounts = PlanAt("data", "/data/in");
  ASSERT_THAT(mounts, IsOk());
  ASSERT_EQ(mounts->size(), 1u);
  const Mount& mount = mounts->front();
  EXPECT_EQ(mount.kind(), Mount::KIND_HOST_DIRECTORY);
  EXPECT_EQ(mount.outside(), "/disks/1/data");
  EXPECT_EQ(mount.device(), 8u);
  EXPECT_EQ(mount.inode(), 42u);
  EXPECT_FALSE(mount.read_only());
  EXPECT_EQ(mount.propagation(), Mount::PROPAGATION_PRIVATE);
  EXPECT_EQ(mount.mount_point(), "");
  std::vector<std::string> directories;
  for (const auto& directory : root_.directories()) directories.push_back(directory.inside());
  EXPECT_THAT(directories, testing::ElementsAre("/data", "/data/in", "/usr"));
}

TEST_F(PlanVolumesTest, BeneathADirectoryOfTheTasksTheRootStaysAsItIs) {
  const auto mounts = PlanAt("data", "/local/x");
  ASSERT_THAT(mounts, IsOk());
  EXPECT_EQ(mounts->front().mount_point(), "local/x");
  EXPECT_EQ(root_.directories_size(), 1);
}

TEST_F(PlanVolumesTest, ReadOnlyIsWhatEitherSideSays) {
  EXPECT_TRUE(PlanAt("certs", "/a")->front().read_only());
  EXPECT_TRUE(PlanAt("data", "/b", "read_only: true")->front().read_only());
}

TEST_F(PlanVolumesTest, APlaceInTheNodesFilesIsRefused) {
  EXPECT_THAT(Violation("/usr/share/x"),
              HasSubstr("volume_mounts[0].destination: '/usr/share/x' lies in '/usr'"));
  EXPECT_THAT(Violation("/usr"), HasSubstr("lies in '/usr'"));
  EXPECT_THAT(Violation("/run"), HasSubstr("would hide '/run/systemd/resolve'"));
  EXPECT_THAT(Violation("/bin/x"), HasSubstr("'/bin' is a link"));
}

TEST_F(PlanVolumesTest, EveryViolationIsToldAtOnce) {
  const auto mounts = Plan(
      "volume_mounts { volume: 'other' destination: '/usr/x' }"
      "volume_mounts { volume: 'data' destination: '/ok' }"
      "volume_mounts { volume: 'data' destination: '/etc' }"
      "volume_mounts { volume: 'other' destination: '/y' }");
  const auto violations = GetFieldViolations(mounts.status());
  ASSERT_EQ(violations.size(), 3u);
  EXPECT_EQ(violations[0].field, "volume_mounts[0].destination");
  EXPECT_EQ(violations[1],
            (FieldViolation{"volume_mounts[0].volume",
                            "this node has no host volume 'nope': it has data, certs, gone"}));
  EXPECT_EQ(violations[2].field, "volume_mounts[3].volume");
}

TEST_F(PlanVolumesTest, MoreThanThePolicyPropagatesIsDenied) {
  EXPECT_EQ(PlanAt("data", "/a", "propagation_mode: 'host-to-task'")->front().propagation(),
            Mount::PROPAGATION_SLAVE);
  for (const auto& [volume, mode] :
       {std::make_pair("data", "bidirectional"), std::make_pair("certs", "host-to-task")}) {
    const auto mounts = PlanAt(volume, "/b", absl::StrCat("propagation_mode: '", mode, "'"));
    EXPECT_EQ(GetReason(mounts.status()), "PROPAGATION_NOT_ALLOWED") << volume;
  }
  policy_.host_volumes[0].propagation = VolumePropagation::kBidirectional;
  EXPECT_EQ(PlanAt("data", "/c", "propagation_mode: 'bidirectional'")->front().propagation(),
            Mount::PROPAGATION_SHARED);
}

TEST_F(PlanVolumesTest, ADirectoryThatIsNotThereIsSaidSo) {
  const auto mounts = PlanAt("gone", "/a");
  EXPECT_THAT(mounts, StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("'/srv/gone' is not there")));
  EXPECT_EQ(GetReason(mounts.status()), "HOST_VOLUME_UNAVAILABLE");
}

TEST_F(PlanVolumesTest, ALinkLeadsOutOfNoAllowedSource) {
  policy_.allowed_mount_sources = {"/srv"};
  EXPECT_THAT(PlanAt("certs", "/a"), IsOk());
  const auto mounts = PlanAt("data", "/b");
  EXPECT_THAT(mounts, StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("leads to '/disks/1/data'")));
  EXPECT_EQ(GetReason(mounts.status()), "HOST_VOLUME_UNAVAILABLE");
  policy_.allowed_mount_sources.push_back("/disks/1");
  EXPECT_THAT(PlanAt("data", "/c"), IsOk());
}

TEST_F(PlanVolumesTest, DirectoriesOfOursAreNotShown) {
  policy_.private_directories = {"/disks/1/data/state"};
  EXPECT_THAT(PlanAt("data", "/a"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                             HasSubstr("would show '/disks/1/data/state'")));
}

}  // namespace
}  // namespace cloister::plan
