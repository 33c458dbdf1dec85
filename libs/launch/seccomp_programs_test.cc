#include "libs/launch/seccomp_programs.h"

#include <linux/filter.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace launch {
namespace {

TEST(SeccompPrograms, GivesBackWhatWasAdded) {
  SeccompPrograms programs;
  const std::string bytes(2 * sizeof(sock_filter), 'x');
  ASSERT_THAT(programs.Add("a", bytes), IsOk());
  const auto* program = static_cast<const sock_fprog*>(programs.Find("a"));
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(program->len, 2);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(program->filter), bytes.size()), bytes);
  EXPECT_THAT(programs.Add("a", std::string(sizeof(sock_filter), 'y')), IsOk());
  EXPECT_EQ(programs.Find("a"), program) << "a launch may be using it";
  EXPECT_EQ(programs.Find("b"), nullptr);
}

TEST(SeccompPrograms, RefusesWhatCannotBeOne) {
  SeccompPrograms programs;
  EXPECT_THAT(programs.Add("", std::string(8, 'x')), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(programs.Add("a", ""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(programs.Add("a", std::string(9, 'x')), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(programs.Add("a", std::string(8 * 5000, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace launch
}  // namespace cloister
