#include "libs/launch/seccomp_programs.h"

#include <linux/filter.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister {
namespace launch {
namespace {

internal::AddSeccompProgram Added(const std::string& hash, const std::string& program) {
  internal::AddSeccompProgram added;
  added.set_hash(hash);
  added.set_program(program);
  return added;
}

std::string BytesOf(const void* program) {
  const auto* header = static_cast<const sock_fprog*>(program);
  return std::string(reinterpret_cast<const char*>(header->filter),
                     header->len * sizeof(sock_filter));
}

TEST(SeccompPrograms, GivesBackWhatWasAdded) {
  SeccompPrograms programs;
  const std::string bytes(2 * sizeof(sock_filter), 'x');
  ASSERT_THAT(programs.Add(Added("a", bytes)), IsOk());
  const SeccompProgram* program = programs.Find("a");
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(BytesOf(program->whole), bytes);
  EXPECT_EQ(program->inherited, nullptr);
  EXPECT_EQ(program->closing, nullptr);
  EXPECT_THAT(programs.Add(Added("a", std::string(sizeof(sock_filter), 'y'))), IsOk());
  EXPECT_EQ(programs.Find("a"), program) << "a launch may be using it";
  EXPECT_EQ(programs.Find("b"), nullptr);
}

TEST(SeccompPrograms, GivesBackBothParts) {
  SeccompPrograms programs;
  internal::AddSeccompProgram added = Added("a", std::string(8, 'x'));
  added.set_inherited_program(std::string(16, 'y'));
  added.set_closing_program(std::string(24, 'z'));
  ASSERT_THAT(programs.Add(added), IsOk());
  EXPECT_EQ(BytesOf(programs.Find("a")->whole), std::string(8, 'x'));
  EXPECT_EQ(BytesOf(programs.Find("a")->inherited), std::string(16, 'y'));
  EXPECT_EQ(BytesOf(programs.Find("a")->closing), std::string(24, 'z'));
}

TEST(SeccompPrograms, RefusesWhatCannotBeOne) {
  SeccompPrograms programs;
  internal::AddSeccompProgram half = Added("a", std::string(8, 'x'));
  half.set_inherited_program(std::string(8, 'y'));
  internal::AddSeccompProgram other_half = Added("a", std::string(8, 'x'));
  other_half.set_closing_program(std::string(8, 'y'));
  for (const internal::AddSeccompProgram& added :
       {Added("", std::string(8, 'x')), Added("a", ""), Added("a", std::string(9, 'x')),
        Added("a", std::string(8 * 5000, 'x')), half, other_half}) {
    EXPECT_THAT(programs.Add(added), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_EQ(programs.Find("a"), nullptr);
}

}  // namespace
}  // namespace launch
}  // namespace cloister
