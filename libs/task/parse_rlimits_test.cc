#include "libs/task/parse_rlimits.h"

#include <sys/resource.h>

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
  ParseRlimits(Config(text), &violations);
  std::vector<std::string> all;
  for (const FieldViolation& violation : GetFieldViolations(violations.ToStatus())) {
    all.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  return all;
}

TEST(ParseRlimits, OneValueIsBoth) {
  Violations violations;
  const std::vector<Rlimit> rlimits =
      ParseRlimits(Config("config { rlimits { name: 'nofile' soft: '512' hard: '4096' }"
                          " rlimits { name: 'RLIMIT_CORE' hard: 'unlimited' }"
                          " rlimits { name: 'Nproc' soft: '7' } }"),
                   &violations);
  ASSERT_TRUE(violations.ToStatus().ok()) << violations.ToStatus();
  ASSERT_EQ(rlimits.size(), 3u);
  EXPECT_EQ(rlimits[0].resource, static_cast<uint32_t>(RLIMIT_NOFILE));
  EXPECT_EQ(rlimits[0].soft, 512u);
  EXPECT_EQ(rlimits[0].hard, 4096u);
  EXPECT_EQ(rlimits[1].resource, static_cast<uint32_t>(RLIMIT_CORE));
  EXPECT_EQ(rlimits[1].soft, RLIM_INFINITY);
  EXPECT_EQ(rlimits[1].hard, RLIM_INFINITY);
  EXPECT_EQ(rlimits[2].soft, 7u);
  EXPECT_EQ(rlimits[2].hard, 7u);
}

TEST(ParseRlimits, EveryLimitOfLinuxHasAName) {
  for (const char* name :
       {"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile",
        "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}) {
    EXPECT_TRUE(RlimitNumber(name)) << name;
  }
  EXPECT_FALSE(RlimitNumber("files"));
  EXPECT_FALSE(RlimitNumber(""));
}

TEST(ParseRlimits, EverythingThatIsWrongIsToldAtOnce) {
  EXPECT_THAT(Problems("config { rlimits { name: 'files' soft: '1' } rlimits { name: 'cpu' }"
                       " rlimits { name: 'core' soft: '-1' hard: ' 1' }"
                       " rlimits { name: 'core' soft: '2' hard: '1' }"
                       " rlimits { name: 'nofile' hard: '4' } }"),
              ElementsAre("config.rlimits[0].name: 'files' is no limit of getrlimit(2)",
                          "config.rlimits[1]: needs soft or hard",
                          "config.rlimits[2].soft: must be a number or \"unlimited\" but is '-1'",
                          "config.rlimits[2].hard: must be a number or \"unlimited\" but is ' 1'",
                          "config.rlimits[3].name: another entry limits it, too",
                          "config.rlimits[3].soft: is above the hard limit",
                          HasSubstr("config.rlimits[4].soft: must be at least 16")));
  std::string many = "config {";
  for (int i = 0; i < 17; ++i) many += " rlimits { name: 'cpu' soft: '1' }";
  EXPECT_THAT(Problems(many + " }"), ElementsAre("config.rlimits: has 17 entries, at most 16"));
  EXPECT_THAT(Problems(""), IsEmpty());
}

}  // namespace
}  // namespace cloister::task
