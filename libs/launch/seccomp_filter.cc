#include "libs/launch/seccomp_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include <utility>
#include <vector>

namespace cloister {
namespace launch {
namespace {

// System call numbers of one architecture; <asm/unistd.h> has those of our own only.
struct Numbers {
  uint32_t architecture;
  uint32_t clone;
  uint32_t unshare;
  uint32_t clone3;
  uint32_t keyring[3];  // add_key, request_key, keyctl
};

constexpr Numbers kX86_64 = {AUDIT_ARCH_X86_64, 56, 272, 435, {248, 249, 250}};
constexpr Numbers kI386 = {AUDIT_ARCH_I386, 120, 310, 435, {286, 287, 288}};
constexpr uint32_t kX32Bit = 0x40000000;

constexpr uint32_t Refuse(uint32_t error) { return SECCOMP_RET_ERRNO | error; }

class Builder {
 public:
  void Load(size_t offset) { Add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset), 0, 0); }
  void Return(uint32_t action) { Add(BPF_RET | BPF_K, action, 0, 0); }
  // Returns `action` if the loaded word is, is at least, or has a bit of `value`.
  void If(uint16_t comparison, uint32_t value, uint32_t action) {
    Add(static_cast<uint16_t>(BPF_JMP | comparison | BPF_K), value, 0, 1);
    Return(action);
  }
  // If the loaded word is not `value`, goes on behind what `body` adds.
  template <typename Body>
  void Block(uint32_t value, Body body) {
    const size_t jump = program_.size();
    Add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0);
    body();
    program_[jump].jf = static_cast<uint8_t>(program_.size() - jump - 1);
  }
  std::vector<sock_filter> Take() { return std::move(program_); }

 private:
  void Add(uint16_t code, uint32_t k, uint8_t jt, uint8_t jf) {
    program_.push_back({code, jt, jf, k});
  }
  std::vector<sock_filter> program_;
};

void FilterCalls(const Numbers& numbers, Builder* filter) {
  filter->Load(offsetof(seccomp_data, nr));
  if (numbers.architecture == AUDIT_ARCH_X86_64) filter->If(BPF_JGE, kX32Bit, Refuse(ENOSYS));
  filter->If(BPF_JEQ, numbers.clone3, Refuse(ENOSYS));
  for (uint32_t call : numbers.keyring) filter->If(BPF_JEQ, call, Refuse(EPERM));
  for (uint32_t call : {numbers.clone, numbers.unshare}) {
    filter->Block(call, [filter] {
      // The low half: flags beyond it are none of these two calls.
      filter->Load(offsetof(seccomp_data, args));
      filter->If(BPF_JSET, CLONE_NEWUSER, Refuse(EPERM));
      filter->Return(SECCOMP_RET_ALLOW);
    });
  }
  filter->Return(SECCOMP_RET_ALLOW);
}

std::vector<sock_filter> MakeFilter() {
  Builder filter;
  filter.Load(offsetof(seccomp_data, arch));
  for (const Numbers* numbers : {&kX86_64, &kI386}) {
    filter.Block(numbers->architecture, [&] { FilterCalls(*numbers, &filter); });
  }
  filter.Return(SECCOMP_RET_KILL_PROCESS);
  return filter.Take();
}

}  // namespace

const void* BasicSeccompProgram() {
  static std::vector<sock_filter>* const filter = new std::vector<sock_filter>(MakeFilter());
  static const sock_fprog program = {static_cast<unsigned short>(filter->size()), filter->data()};
  return &program;
}

}  // namespace launch
}  // namespace cloister
