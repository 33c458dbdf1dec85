#include "libs/seccomp/compile.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"

namespace cloister::seccomp {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;
constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;

constexpr uint32_t Refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error); }

// What Debian's library does not know yet. From 403 on a call has one number everywhere.
struct NewCall {
  absl::string_view name;
  int number;
};
constexpr NewCall kNewCalls[] = {
    {"set_mempolicy_home_node", 450},
    {"cachestat", 451},
    {"fchmodat2", 452},
    {"map_shadow_stack", 453},
    {"futex_wake", 454},
    {"futex_wait", 455},
    {"futex_requeue", 456},
    {"statmount", 457},
    {"listmount", 458},
    {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},
    {"mseal", 462},
    {"setxattrat", 463},
    {"getxattrat", 464},
    {"listxattrat", 465},
    {"removexattrat", 466},
    {"open_tree_attr", 467},
    {"file_getattr", 468},
    {"file_setattr", kLastKnownCall},
};
// Calls that 32-bit programs once had behind socketcall and ipc only, which is how the library
// still sees them: <asm/unistd_32.h>.
constexpr NewCall kI386Calls[] = {
    {"socket", 359},      {"socketpair", 360},  {"bind", 361},       {"connect", 362},
    {"listen", 363},      {"accept4", 364},     {"getsockopt", 365}, {"setsockopt", 366},
    {"getsockname", 367}, {"getpeername", 368}, {"sendto", 369},     {"sendmsg", 370},
    {"recvfrom", 371},    {"recvmsg", 372},     {"shutdown", 373},   {"semget", 393},
    {"semctl", 394},      {"shmget", 395},      {"shmctl", 396},     {"shmat", 397},
    {"shmdt", 398},       {"msgget", 399},      {"msgsnd", 400},     {"msgrcv", 401},
    {"msgctl", 402},
};
// Put into 64-bit processes by the kernel itself, on behalf of a tracer of the node's.
constexpr NewCall kUretprobe = {"uretprobe", 335};

using Program = std::vector<sock_filter>;

sock_filter Instruction(uint16_t code, uint32_t value, uint8_t if_true = 0, uint8_t if_false = 0) {
  return {code, if_true, if_false, value};
}
sock_filter Load(size_t offset) {
  return Instruction(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}
sock_filter Return(uint32_t action) { return Instruction(BPF_RET | BPF_K, action); }

void Append(const Program& tail, Program* program) {
  program->insert(program->end(), tail.begin(), tail.end());
}

// "If the loaded word compares with `value`, then `body`", going on behind it otherwise; `body`
// returns.
void AppendIf(uint16_t comparison, uint32_t value, const Program& body, Program* program) {
  const uint16_t code = static_cast<uint16_t>(BPF_JMP | comparison | BPF_K);
  if (body.size() <= UINT8_MAX) {
    program->push_back(Instruction(code, value, 0, static_cast<uint8_t>(body.size())));
  } else {
    program->push_back(Instruction(code, value, 1, 0));
    program->push_back(Instruction(BPF_JMP | BPF_JA | BPF_K, static_cast<uint32_t>(body.size())));
  }
  Append(body, program);
}

Program RuleProgram(const Rule& rule) {
  if (rule.error != 0) return {Return(Refuse(rule.error))};
  if (!rule.condition.has_value()) return {Return(kAllow)};
  const Condition& condition = *rule.condition;
  // The low half, on a little-endian machine.
  Program program = {Load(offsetof(seccomp_data, args) +
                          sizeof(uint64_t) * static_cast<size_t>(condition.argument))};
  const bool one_of = condition.kind == Condition::Kind::kOneOf;
  const uint16_t comparison = condition.kind == Condition::Kind::kNoBits ? BPF_JSET : BPF_JEQ;
  for (uint32_t word : condition.words) {
    AppendIf(comparison, word, {Return(one_of ? kAllow : Refuse(EPERM))}, &program);
  }
  program.push_back(Return(one_of ? Refuse(EPERM) : kAllow));
  return program;
}

bool Same(const Program& a, const Program& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].code != b[i].code || a[i].jt != b[i].jt || a[i].jf != b[i].jf || a[i].k != b[i].k) {
      return false;
    }
  }
  return true;
}

// Numbers from this one up to the next range's.
struct Range {
  uint32_t first;
  Program answer;
};

// What a number without an answer of its own gets.
struct Otherwise {
  Program known;  // Up to kLastKnownCall.
  Program later;
};

Otherwise RefuseOthers() { return {{Return(Refuse(EPERM))}, {Return(Refuse(ENOSYS))}}; }
Otherwise AllowOthers() { return {{Return(kAllow)}, {Return(kAllow)}}; }

// Of all numbers, in order; neighbours that answer alike are one.
std::vector<Range> Ranges(const std::map<int, Program>& answers, const Otherwise& otherwise) {
  std::vector<Range> ranges;
  const auto add = [&ranges](uint32_t first, const Program& answer) {
    if (!ranges.empty() && Same(ranges.back().answer, answer)) return;
    ranges.push_back({first, answer});
  };
  uint32_t next = 0;
  for (const auto& [number, answer] : answers) {
    const uint32_t first = static_cast<uint32_t>(number);
    if (first > next) add(next, otherwise.known);
    add(first, answer);
    next = first + 1;
  }
  if (next <= kLastKnownCall) add(next, otherwise.known);
  add(kLastKnownCall + 1, otherwise.later);
  return ranges;
}

Program Search(const std::vector<Range>& ranges, size_t begin, size_t end) {
  if (end - begin == 1) return ranges[begin].answer;
  const size_t middle = begin + (end - begin) / 2;
  Program program;
  AppendIf(BPF_JGE, ranges[middle].first, Search(ranges, middle, end), &program);
  Append(Search(ranges, begin, middle), &program);
  return program;
}

std::map<int, Program> Answers(const Profile& profile, bool i386) {
  std::map<int, Program> answers;
  for (const auto& [call, rule] : profile.rules) {
    const absl::optional<int> number = CallNumber(call, i386);
    if (number.has_value()) answers[*number] = RuleProgram(rule);
  }
  return answers;
}

Program NumberProgram(const std::map<int, Program>& answers, const Otherwise& otherwise) {
  const std::vector<Range> ranges = Ranges(answers, otherwise);
  Program program = {Load(offsetof(seccomp_data, nr))};
  Append(Search(ranges, 0, ranges.size()), &program);
  return program;
}

// Its x32 calls are above every known number anyway; said by itself because so much hangs on it.
Program NativeProgram(const std::map<int, Program>& answers) {
  Program program = {Load(offsetof(seccomp_data, nr))};
  AppendIf(BPF_JGE, kX32Bit, {Return(Refuse(ENOSYS))}, &program);
  Append(NumberProgram(answers, RefuseOthers()), &program);
  return program;
}

Program WholeProgram(const std::map<int, Program>& native, const Profile& profile) {
  Program program = {Load(offsetof(seccomp_data, arch))};
  AppendIf(BPF_JEQ, AUDIT_ARCH_X86_64, NativeProgram(native), &program);
  AppendIf(BPF_JEQ, AUDIT_ARCH_I386, NumberProgram(Answers(profile, true), RefuseOthers()),
           &program);
  program.push_back(Return(SECCOMP_RET_KILL_PROCESS));
  return program;
}

absl::Status CheckCalls(const Profile& profile) {
  for (const auto& entry : profile.rules) {
    if (CallNumber(entry.first, false).has_value() || CallNumber(entry.first, true).has_value()) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("seccomp profile '", profile.name, "': no call '", entry.first, "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Bytes(const Profile& profile, const Program& program) {
  if (program.size() > BPF_MAXINSNS) {
    return absl::InternalError(absl::StrCat("seccomp profile '", profile.name, "' has ",
                                            program.size(), " instructions, over ", BPF_MAXINSNS));
  }
  return std::string(reinterpret_cast<const char*>(program.data()),
                     program.size() * sizeof(sock_filter));
}

}  // namespace

absl::optional<int> CallNumber(absl::string_view call, bool i386) {
  for (const NewCall& known : kNewCalls) {
    if (known.name == call) return known.number;
  }
  for (const NewCall& known : kI386Calls) {
    if (i386 && known.name == call) return known.number;
  }
  if (call == kUretprobe.name) return i386 ? absl::nullopt : absl::make_optional(kUretprobe.number);
  const int number = seccomp_syscall_resolve_name_arch(i386 ? SCMP_ARCH_X86 : SCMP_ARCH_X86_64,
                                                       std::string(call).c_str());
  // Below 0 are the library's own numbers for calls of other architectures, and the error.
  if (number < 0) return absl::nullopt;
  return number;
}

absl::StatusOr<std::string> Compile(const Profile& profile) {
  CLOISTER_RETURN_IF_ERROR(CheckCalls(profile));
  return Bytes(profile, WholeProgram(Answers(profile, false), profile));
}

const std::vector<std::string>& LaunchCalls() {
  static const auto* const kCalls = new std::vector<std::string>{
      "bpf",        "chroot",    "clone",          "clone3",     "fsconfig",
      "fsmount",    "fsopen",    "keyctl",         "mount",      "mount_setattr",
      "move_mount", "open_tree", "open_tree_attr", "pivot_root", "sethostname",
      "setns",      "umount2",   "unshare"};
  return *kCalls;
}

absl::StatusOr<SplitProgram> CompileSplit(const Profile& profile) {
  CLOISTER_RETURN_IF_ERROR(CheckCalls(profile));
  std::map<int, Program> opened = Answers(profile, false);
  std::map<int, Program> closing;
  for (const std::string& call : LaunchCalls()) {
    const absl::optional<int> number = CallNumber(call, false);
    if (!number.has_value()) return absl::InternalError(absl::StrCat("no call '", call, "'"));
    const auto known = opened.find(*number);
    closing[*number] = known == opened.end() ? RefuseOthers().known : known->second;
    opened[*number] = {Return(kAllow)};
  }
  // Calls of 32-bit programs are closed by the first one already: no launcher is one.
  Program second = {Load(offsetof(seccomp_data, arch))};
  AppendIf(BPF_JEQ, AUDIT_ARCH_X86_64, NumberProgram(closing, AllowOthers()), &second);
  second.push_back(Return(kAllow));
  SplitProgram split;
  CLOISTER_ASSIGN_OR_RETURN(split.inherited, Bytes(profile, WholeProgram(opened, profile)));
  CLOISTER_ASSIGN_OR_RETURN(split.closing, Bytes(profile, second));
  return split;
}

}  // namespace cloister::seccomp
