#include "tools/cloister/words.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cloister {
namespace {

using testing::HasSubstr;

TEST(Words, AStateOfAnUnreachableNodeIsInDoubt) {
  v1::Task task;
  task.set_state(v1::TASK_STATE_RUNNING);
  EXPECT_EQ(StateCell(task).text, "running");
  task.set_node_unreachable(true);
  EXPECT_EQ(StateCell(task).text, "running?");
}

TEST(Words, AgesHaveOneUnit) {
  EXPECT_EQ(AgeInWords(absl::Seconds(-5)), "0s");
  EXPECT_EQ(AgeInWords(absl::Seconds(119)), "119s");
  EXPECT_EQ(AgeInWords(absl::Minutes(5)), "5m");
  EXPECT_EQ(AgeInWords(absl::Hours(47)), "47h");
  EXPECT_EQ(AgeInWords(absl::Hours(49)), "2d");
}

TEST(Words, MeasuredDurationsHaveThreeFigures) {
  EXPECT_EQ(MeasuredInWords(absl::Microseconds(413)), "0.413 ms");
  EXPECT_EQ(MeasuredInWords(absl::Microseconds(1900)), "1.90 ms");
  EXPECT_EQ(MeasuredInWords(absl::Microseconds(12340)), "12.3 ms");
  EXPECT_EQ(MeasuredInWords(absl::Milliseconds(413)), "413 ms");
  EXPECT_EQ(MeasuredInWords(absl::Milliseconds(1520)), "1.52 s");
}

TEST(Words, BytesHaveTheUnitThatFits) {
  EXPECT_EQ(BytesInWords(0), "0 B");
  EXPECT_EQ(BytesInWords(300ull << 20), "300 MiB");
  EXPECT_EQ(BytesInWords(1536ull << 20), "1.5 GiB");
}

TEST(Words, ACommandReadsAsItWouldBeTyped) {
  v1::ExecConfig config;
  config.set_command("/bin/sh");
  config.add_args("-c");
  config.add_args("echo 'it''s' $HOME");
  config.add_args("");
  EXPECT_EQ(CommandInWords(config), "/bin/sh -c 'echo '\\''it'\\'''\\''s'\\'' $HOME' ''");
}

TEST(Words, WhatWasEscapedIsShownAsItWasTyped) {
  v1::ExecConfig config;
  config.set_command("echo");
  config.add_args("$${HOME}");
  config.add_args("$${HOME} on ${node.unique.name}");
  EXPECT_EQ(CommandInWords(config), "echo '${HOME}' '$${HOME} on ${node.unique.name}'");
}

TEST(Words, AFenceWithoutLimitsSaysSo) {
  v1::Fence fence;
  fence.set_cgroups("none");
  Fields fields;
  AddFence(fence, &fields);
  EXPECT_THAT(fields.ToString(Terminal()),
              HasSubstr("limits:        none: the node runs without cgroups\n"));
  EXPECT_THAT(FenceInOneLine(fence), HasSubstr("limits none"));
}

TEST(Words, AFenceShowsWhatIsLeft) {
  v1::Fence fence;
  fence.set_uid(65534);
  fence.set_cgroups("v2");
  fence.set_memory_limit_bytes(300 << 20);
  fence.set_pids_limit(1024);
  fence.set_cpu_weight_shares(100);
  fence.add_bounding_capabilities("chown");
  fence.add_bounding_capabilities("kill");
  Fields fields;
  AddFence(fence, &fields);
  const std::string text = fields.ToString(Terminal());
  EXPECT_THAT(text, HasSubstr("capabilities:  none effective\n"));
  EXPECT_THAT(text, HasSubstr("bounding set:  chown kill\n"));
  EXPECT_THAT(text, HasSubstr("memory 300 MiB, pids 1024, cpu 100 (cgroup v2)\n"));
}

}  // namespace
}  // namespace cloister
