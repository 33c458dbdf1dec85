#include "tests/bench/command.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::bench {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::unique_ptr<Command> Shell(const std::string& script, const std::string& input = "") {
  return *Command::Make(
      {{"/bin/sh", "-c", script}, ::testing::TempDir() + "command_output", input});
}

TEST(CommandTest, RunsAsOftenAsItIsAsked) {
  const auto command = Shell("exit 0");
  EXPECT_THAT(command->Run(), IsOk());
  EXPECT_THAT(command->Run(), IsOk());
}

TEST(CommandTest, ShowsTheLastWordsOfOneThatFailed) {
  EXPECT_THAT(Shell("echo no such thing >&2; exit 3")->Run(),
              StatusIs(absl::StatusCode::kInternal,
                       AllOf(HasSubstr("exited with code 3"), HasSubstr("no such thing"))));
}

TEST(CommandTest, NamesTheSignal) {
  EXPECT_THAT(Shell("kill -9 $$")->Run(),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("killed by signal 9")));
}

TEST(CommandTest, FailsWhenThereIsNoSuchProgram) {
  const auto command = *Command::Make({{"/nope"}, ::testing::TempDir() + "command_output"});
  EXPECT_THAT(command->Run(), StatusIs(absl::StatusCode::kNotFound));
}

TEST(CommandTest, OpensTheInputAnewForEachRun) {
  const std::string path = ::testing::TempDir() + "command_input";
  std::ofstream(path) << "expected\n";
  const auto command = Shell("read -r word <&3 && [ \"$word\" = expected ]", path);
  EXPECT_THAT(command->Run(), IsOk());
  EXPECT_THAT(command->Run(), IsOk());
}

TEST(FindProgramTest, LooksInTheUsualDirectories) {
  EXPECT_THAT(FindProgram("sh"), IsOk());
  EXPECT_THAT(FindProgram("no-such-program"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace cloister::bench
