#include "tests/rootless/rootless_fixture.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/status_matchers.h"
#include "tests/testing/task_request.h"

namespace cloister {

v1::StartTaskRequest RootlessTest::Request(const std::vector<std::string>& command) {
  return TaskRequest(command);
}

std::string RootlessTest::OutputOf(const v1::StartTaskRequest& request) {
  const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
  EXPECT_THAT(outcome, IsOk());
  return outcome.ok() ? outcome->out : "";
}

std::string RootlessTest::OutputOf(const std::vector<std::string>& command) {
  return OutputOf(Request(command));
}

std::map<std::string, std::string> RootlessTest::StatusOf(v1::StartTaskRequest request) {
  request.mutable_config()->mutable_config()->set_command(Payload("print_status"));
  const std::string text = OutputOf(request);
  std::map<std::string, std::string> fields;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(":\t", 1));
    if (parts.size() == 2) fields[parts[0]] = parts[1];
  }
  return fields;
}

std::map<std::string, std::string> RootlessTest::Mounts() {
  const std::string text = OutputOf({Payload("print_mounts")});
  std::map<std::string, std::string> mounts;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> halves = absl::StrSplit(line, " - ");
    const std::vector<std::string> fields = absl::StrSplit(halves[0], ' ');
    if (halves.size() != 2 || fields.size() < 6) continue;
    mounts[fields[4]] = absl::StrCat(fields[5], " ", halves[1]);
  }
  return mounts;
}

std::string RootlessTest::RefusalOf(const v1::StartTaskRequest& request) {
  const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
  return outcome.ok() ? "it ran" : GetReason(outcome.status());
}

}  // namespace cloister
