// The program, run by a small machine of the test's own: what it says, not how it is written.
// tests/kernel runs it by the kernel.
#include "libs/launch/device_program.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace cloister {
namespace launch {
namespace {

constexpr uint32_t kMknod = BPF_DEVCG_ACC_MKNOD;
constexpr uint32_t kRead = BPF_DEVCG_ACC_READ;
constexpr uint32_t kWrite = BPF_DEVCG_ACC_WRITE;

// Only the instructions that a device program is made of; another one fails the test.
bool Allows(const std::vector<bpf_insn>& program, bool block, uint32_t access, uint32_t major,
            uint32_t minor) {
  const bpf_cgroup_dev_ctx context = {
      access << 16 | (block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR), major, minor};
  const auto* words = reinterpret_cast<const uint32_t*>(&context);
  uint64_t reg[11] = {};
  for (size_t at = 0; at < program.size(); ++at) {
    const bpf_insn& step = program[at];
    uint64_t& to = reg[step.dst_reg];
    const auto value = static_cast<uint32_t>(step.imm);
    switch (step.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        to = words[step.off / 4];
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        to = static_cast<uint32_t>(reg[step.src_reg]);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        to = static_cast<uint32_t>(to) & value;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        to = static_cast<uint32_t>(to) >> value;
        break;
      case BPF_JMP32 | BPF_JNE | BPF_K:
        if (static_cast<uint32_t>(to) != value) at += static_cast<size_t>(step.off);
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        to = value;
        break;
      case BPF_JMP | BPF_EXIT:
        return reg[0] != 0;
      default:
        ADD_FAILURE() << "instruction " << at << " has code " << int{step.code};
        return false;
    }
  }
  ADD_FAILURE() << "runs off the end";
  return false;
}

internal::DevicePlan::Rule* AddRule(bool block, uint32_t major, uint32_t minor, uint32_t access,
                                    internal::DevicePlan* plan) {
  internal::DevicePlan::Rule* rule = plan->add_rules();
  rule->set_block(block);
  rule->set_major(major);
  rule->set_minor(minor);
  rule->set_access(access);
  return rule;
}

TEST(DeviceProgram, TheStandardNodesCanBeReadAndWrittenAndNoneMade) {
  const std::vector<bpf_insn> program = MakeDeviceProgram({});
  for (const auto& [major, minor] : std::vector<std::pair<uint32_t, uint32_t>>{
           {1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, 0}, {136, 1048575}}) {
    EXPECT_TRUE(Allows(program, false, kRead | kWrite, major, minor)) << major << ":" << minor;
    EXPECT_TRUE(Allows(program, false, kRead, major, minor));
    EXPECT_FALSE(Allows(program, false, kMknod, major, minor));
    EXPECT_FALSE(Allows(program, false, kMknod | kRead, major, minor));
    EXPECT_FALSE(Allows(program, true, kRead, major, minor));
  }
}

TEST(DeviceProgram, EverythingElseIsDenied) {
  const std::vector<bpf_insn> program = MakeDeviceProgram({});
  for (uint32_t major = 0; major < 300; ++major) {
    for (uint32_t minor : {0u, 1u, 2u, 4u, 6u, 11u, 200u, 229u}) {
      for (bool block : {false, true}) {
        const bool standard =
            !block && (major == 136 || (major == 5 && (minor == 0 || minor == 2)));
        EXPECT_EQ(Allows(program, block, kRead, major, minor), standard) << major << ":" << minor;
        EXPECT_FALSE(Allows(program, block, kMknod, major, minor));
      }
    }
  }
}

TEST(DeviceProgram, ARuleGivesWhatItSaysAndNoMore) {
  internal::DevicePlan plan;
  AddRule(false, 10, 229, kRead, &plan);
  AddRule(true, 8, 1, kRead | kMknod, &plan);
  AddRule(false, 1, 3, kMknod, &plan);
  const std::vector<bpf_insn> program = MakeDeviceProgram(plan);
  EXPECT_TRUE(Allows(program, false, kRead, 10, 229));
  EXPECT_FALSE(Allows(program, false, kWrite, 10, 229));
  EXPECT_FALSE(Allows(program, false, kRead | kWrite, 10, 229));
  EXPECT_FALSE(Allows(program, true, kRead, 10, 229));
  EXPECT_FALSE(Allows(program, false, kRead, 10, 228));
  EXPECT_TRUE(Allows(program, true, kRead, 8, 1));
  EXPECT_TRUE(Allows(program, true, kMknod, 8, 1));
  EXPECT_FALSE(Allows(program, true, kWrite, 8, 1));
  EXPECT_FALSE(Allows(program, true, kRead, 8, 0));
  EXPECT_TRUE(Allows(program, false, kMknod, 1, 3));
  EXPECT_TRUE(Allows(program, false, kRead | kWrite, 1, 3));
  EXPECT_FALSE(Allows(program, false, kRead, 1, 1));
}

}  // namespace
}  // namespace launch
}  // namespace cloister
