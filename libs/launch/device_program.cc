#include "libs/launch/device_program.h"

#include <cstddef>
#include <cstdint>

namespace cloister {
namespace launch {
namespace {

constexpr uint32_t kAnyMinor = ~0U;
constexpr uint32_t kAllAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
constexpr uint32_t kReadWrite = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

struct Rule {
  bool block;
  uint32_t major;
  uint32_t minor;
  uint32_t access;
};

// What every task's /dev has. Not to be made: a task has no place where a device of its own works.
constexpr Rule kStandard[] = {{false, 1, 3, kReadWrite}, {false, 1, 5, kReadWrite},
                              {false, 1, 7, kReadWrite}, {false, 1, 8, kReadWrite},
                              {false, 1, 9, kReadWrite}, {false, 5, 0, kReadWrite},
                              {false, 5, 2, kReadWrite}, {false, 136, kAnyMinor, kReadWrite}};

// Registers: 2 to 5 hold what is asked for, 1 is the context and then scratch.
constexpr uint8_t kScratch = BPF_REG_1;
constexpr uint8_t kType = BPF_REG_2;
constexpr uint8_t kAccess = BPF_REG_3;
constexpr uint8_t kMajor = BPF_REG_4;
constexpr uint8_t kMinor = BPF_REG_5;

class Program {
 public:
  void Load(uint8_t to, size_t offset) {
    Add(BPF_LDX | BPF_MEM | BPF_W, to, kScratch, static_cast<int16_t>(offset), 0);
  }
  void Move(uint8_t to, uint8_t from) { Add(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0); }
  void And(uint8_t reg, uint32_t bits) { Add(BPF_ALU | BPF_AND | BPF_K, reg, 0, 0, bits); }
  void ShiftRight(uint8_t reg, uint32_t bits) { Add(BPF_ALU | BPF_RSH | BPF_K, reg, 0, 0, bits); }
  // To the next rule, by Land, unless they are equal.
  void Require(uint8_t reg, uint32_t value) {
    jumps_.push_back(code_.size());
    Add(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, value);
  }
  void Return(uint32_t value) {
    Add(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value);
    Add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  // Offsets count from the instruction behind the jump.
  void Land() {
    for (size_t jump : jumps_) code_[jump].off = static_cast<int16_t>(code_.size() - jump - 1);
    jumps_.clear();
  }
  std::vector<bpf_insn> Take() { return std::move(code_); }

 private:
  void Add(int code, uint8_t to, uint8_t from, int16_t offset, uint32_t value) {
    bpf_insn instruction = {};
    instruction.code = static_cast<uint8_t>(code);
    instruction.dst_reg = to & 0xf;
    instruction.src_reg = from & 0xf;
    instruction.off = offset;
    instruction.imm = static_cast<int32_t>(value);
    code_.push_back(instruction);
  }

  std::vector<bpf_insn> code_;
  std::vector<size_t> jumps_;
};

void AddRule(const Rule& rule, Program* program) {
  program->Require(kType, rule.block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  program->Require(kMajor, rule.major);
  if (rule.minor != kAnyMinor) program->Require(kMinor, rule.minor);
  // Nothing is asked for beyond what the rule has.
  program->Move(kScratch, kAccess);
  program->And(kScratch, kAllAccess & ~rule.access);
  program->Require(kScratch, 0);
  program->Return(1);
  program->Land();
}

}  // namespace

std::vector<bpf_insn> MakeDeviceProgram(const internal::DevicePlan& devices) {
  Program program;
  // access_type is access << 16 | type.
  program.Load(kType, offsetof(bpf_cgroup_dev_ctx, access_type));
  program.Load(kMajor, offsetof(bpf_cgroup_dev_ctx, major));
  program.Load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor));
  program.Move(kAccess, kType);
  program.ShiftRight(kAccess, 16);
  program.And(kType, 0xffff);
  for (const Rule& rule : kStandard) AddRule(rule, &program);
  for (const internal::DevicePlan::Rule& rule : devices.rules()) {
    AddRule({rule.block(), rule.major(), rule.minor(), rule.access() & kAllAccess}, &program);
  }
  program.Return(0);
  return program.Take();
}

}  // namespace launch
}  // namespace cloister
