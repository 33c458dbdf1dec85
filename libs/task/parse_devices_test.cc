#include "libs/task/parse_devices.h"

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

std::vector<std::string> Problems(absl::string_view text) {
  Violations violations;
  ParseDevices(Config(text), &violations);
  std::vector<std::string> all;
  for (const FieldViolation& violation : GetFieldViolations(violations.ToStatus())) {
    all.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  return all;
}

TEST(ParseDevices, TheTaskPathIsThatOfTheNodeUnlessItSaysOtherwise) {
  Violations violations;
  const std::vector<Device> devices = ParseDevices(
      Config("config { devices { host_path: '/dev/fuse' }"
             " devices { host_path: '/dev/sda' task_path: '/dev/disk/a' permissions: 'mr' } }"),
      &violations);
  ASSERT_TRUE(violations.ToStatus().ok()) << violations.ToStatus();
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].task_path, "/dev/fuse");
  EXPECT_EQ(devices[0].access, 0u);
  EXPECT_EQ(devices[1].task_path, "/dev/disk/a");
  EXPECT_EQ(DeviceAccessText(devices[1].access), "rm");
}

TEST(ParseDevices, EverythingThatIsWrongIsToldAtOnce) {
  EXPECT_THAT(
      Problems("config { devices { host_path: 'fuse' }"
               " devices { host_path: '/dev/fuse' task_path: '/local/fuse' }"
               " devices { host_path: '/dev/fuse' task_path: '/dev/null' }"
               " devices { host_path: '/dev/fuse' task_path: '/dev/pts/0' }"
               " devices { host_path: '/dev/x' task_path: '/dev/../etc' }"
               " devices { host_path: '/dev/x' permissions: 'rr' }"
               " devices { host_path: '/dev/x' } devices { host_path: '/dev/x/y' } }"),
      ElementsAre(HasSubstr("config.devices[0].host_path: must be an absolute clean path"),
                  HasSubstr("config.devices[1].task_path: must be a clean path beneath /dev"),
                  HasSubstr("config.devices[2].task_path: '/dev/null' is in every"),
                  HasSubstr("config.devices[3].task_path: '/dev/pts' is in every"),
                  HasSubstr("config.devices[4].task_path: must be a clean path beneath /dev"),
                  HasSubstr("config.devices[5].permissions: must be of 'r', 'w', 'm'"),
                  HasSubstr("config.devices[6].task_path"),
                  HasSubstr("config.devices[7].task_path"),
                  HasSubstr("config.devices[7].task_path")));
  EXPECT_THAT(Problems(""), IsEmpty());
}

}  // namespace
}  // namespace cloister::task
