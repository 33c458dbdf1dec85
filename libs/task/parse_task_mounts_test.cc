#include "libs/task/parse_task_mounts.h"

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
  ParseTaskMounts(Config(text), {{"data", "/srv/data"}}, &violations);
  std::vector<std::string> all;
  for (const FieldViolation& violation : GetFieldViolations(violations.ToStatus())) {
    all.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  return all;
}

std::string ProblemOf(absl::string_view mount) {
  const std::vector<std::string> all =
      Problems(absl::StrCat("resources { memory: 8 } config { mounts { ", mount, " } }"));
  return all.size() == 1 ? all[0] : absl::StrCat(all.size(), " problems");
}

TEST(ParseTaskMounts, EachTypeWithItsDefaults) {
  Violations violations;
  const std::vector<TaskMount> mounts = ParseTaskMounts(
      Config(
          "resources { memory: 8 } config {"
          " mounts { type: 'bind' source: '/srv/a' destination: 'opt//a/' read_only: true }"
          " mounts { type: 'tmpfs' destination: '/scratch' }"
          " mounts { type: 'tmpfs' destination: '/local/t' size: 4096 mode: '0700' noexec: true }"
          " mounts { type: 'own' destination: '/tmp' } }"),
      {}, &violations);
  ASSERT_TRUE(violations.ToStatus().ok()) << violations.ToStatus();
  ASSERT_EQ(mounts.size(), 4u);
  EXPECT_EQ(mounts[0].type, TaskMount::Type::kBind);
  EXPECT_EQ(mounts[0].source, "/srv/a");
  EXPECT_EQ(mounts[0].destination, "/opt/a");
  EXPECT_TRUE(mounts[0].read_only);
  EXPECT_FALSE(mounts[0].noexec);
  EXPECT_EQ(mounts[1].size_bytes, uint64_t{2} << 20);
  EXPECT_EQ(mounts[1].mode, 01777u);
  EXPECT_EQ(mounts[2].size_bytes, 4096u);
  EXPECT_EQ(mounts[2].mode, 0700u);
  EXPECT_TRUE(mounts[2].noexec);
  EXPECT_EQ(mounts[3].type, TaskMount::Type::kOwn);
  EXPECT_TRUE(mounts[3].read_only);
}

TEST(ParseTaskMounts, ASourceIsAnAbsoluteCleanPath) {
  for (const char* source : {"", "srv", "/srv/", "/srv/../etc", "/", "//srv"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("type: 'bind' destination: '/x' source: '", source, "'")),
                HasSubstr("config.mounts[0].source: "))
        << source;
  }
}

TEST(ParseTaskMounts, PlacesAreThoseOfVolumes) {
  for (const char* place : {"", "/", "/proc/x", "/dev", "/secrets/x", "/local", "/srv/data/x",
                            "/srv", "/a/../b", "/alloc/logs"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("type: 'tmpfs' destination: '", place, "'")),
                HasSubstr("config.mounts[0].destination: "))
        << place;
  }
  EXPECT_THAT(Problems("config { mounts { type: 'tmpfs' destination: '/a' }"
                       " mounts { type: 'tmpfs' destination: '/a/b' }"
                       " mounts { type: 'own' destination: '/tmp' }"
                       " mounts { type: 'own' destination: '/tmp' } }"),
              ElementsAre(HasSubstr("of another mount: one lies in the other"),
                          HasSubstr("another mount has the destination '/tmp', too")));
}

TEST(ParseTaskMounts, WhatATypeHasNoUseForIsRefused) {
  EXPECT_EQ(ProblemOf("type: 'volume' destination: '/x'"),
            "config.mounts[0].type: must be \"bind\", \"tmpfs\" or \"own\" but is 'volume'");
  EXPECT_EQ(ProblemOf("type: 'tmpfs' destination: '/x' source: '/srv'"),
            "config.mounts[0].source: is not for type 'tmpfs'");
  EXPECT_EQ(ProblemOf("type: 'bind' source: '/srv' destination: '/x' size: 1"),
            "config.mounts[0].size: is not for type 'bind'");
  EXPECT_EQ(ProblemOf("type: 'bind' source: '/srv' destination: '/x' mode: '1'"),
            "config.mounts[0].mode: is not for type 'bind'");
  EXPECT_THAT(ProblemOf("type: 'own' destination: '/usr'"), HasSubstr("must be \"/alloc\""));
}

TEST(ParseTaskMounts, SizeAndModeHaveBounds) {
  for (const char* size : {"-1", "4095", "8388609"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("type: 'tmpfs' destination: '/x' size: ", size)),
                HasSubstr("config.mounts[0].size: must be from 4096 to 8388608"))
        << size;
  }
  for (const char* mode : {"8", "2777", "4755", "0x1", "17777", "rwx"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("type: 'tmpfs' destination: '/x' mode: '", mode, "'")),
                HasSubstr("config.mounts[0].mode: must be octal"))
        << mode;
  }
  EXPECT_THAT(Problems(""), IsEmpty());
}

}  // namespace
}  // namespace cloister::task
