#include "libs/seccomp/compile.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::seccomp {
namespace {

constexpr int kKilled = -1;
constexpr uint64_t kHigh = uint64_t{0xdead} << 32;

std::vector<sock_filter> Instructions(absl::string_view bytes) {
  std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
  memcpy(program.data(), bytes.data(), bytes.size());
  return program;
}

// As the kernel runs it: 0, an errno, or kKilled. Of every call that is asked about, the split
// program has to answer the same.
class Filter {
 public:
  explicit Filter(const Profile& profile) {
    const absl::StatusOr<std::string> bytes = Compile(profile);
    EXPECT_THAT(bytes, IsOk());
    const absl::StatusOr<SplitProgram> split = CompileSplit(profile);
    EXPECT_THAT(split, IsOk());
    if (!bytes.ok() || !split.ok()) return;
    whole_ = Instructions(*bytes);
    inherited_ = Instructions(split->inherited);
    closing_ = Instructions(split->closing);
  }

  size_t size() const { return whole_.size(); }
  size_t closing_size() const { return closing_.size(); }
  // Instructions of the last call.
  int steps() const { return steps_; }

  int Answer(uint32_t arch, int number, uint64_t argument0 = 0, uint64_t argument1 = 0) {
    const seccomp_data data = Call(arch, number, argument0, argument1);
    // The one that was added last is asked first; of answers of one kind the first one counts.
    const uint32_t last = Run(closing_, data);
    const uint32_t first = Run(inherited_, data);
    const uint32_t both = Severity(first) > Severity(last) ? first : last;
    const uint32_t action = Run(whole_, data);
    EXPECT_EQ(action, both) << arch << " " << number << " " << argument0;
    return Meaning(action);
  }

  // Of a thread that launches: under the first part of the split program alone.
  int AnswerToLauncher(int number, uint64_t argument0) {
    return Meaning(Run(inherited_, Call(AUDIT_ARCH_X86_64, number, argument0, 0)));
  }

 private:
  static seccomp_data Call(uint32_t arch, int number, uint64_t argument0, uint64_t argument1) {
    seccomp_data data = {};
    data.nr = number;
    data.arch = arch;
    data.args[0] = argument0;
    data.args[1] = argument1;
    return data;
  }

  static int Severity(uint32_t action) {
    if (action == SECCOMP_RET_KILL_PROCESS) return 2;
    return action == SECCOMP_RET_ALLOW ? 0 : 1;
  }

  static int Meaning(uint32_t action) {
    if (action == SECCOMP_RET_KILL_PROCESS) return kKilled;
    if (action == SECCOMP_RET_ALLOW) return 0;
    EXPECT_EQ(action & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
    return static_cast<int>(action & SECCOMP_RET_DATA);
  }

  uint32_t Run(const std::vector<sock_filter>& program, const seccomp_data& data) {
    uint32_t word = 0;
    steps_ = 0;
    for (size_t at = 0; at < program.size(); ++at, ++steps_) {
      const sock_filter& step = program[at];
      bool taken = false;
      switch (step.code) {
        case BPF_LD | BPF_W | BPF_ABS:
          EXPECT_LE(step.k + 4, sizeof(data));
          memcpy(&word, reinterpret_cast<const char*>(&data) + step.k, sizeof(word));
          continue;
        case BPF_RET | BPF_K:
          return step.k;
        case BPF_JMP | BPF_JA | BPF_K:
          at += step.k;
          continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
          taken = word == step.k;
          break;
        case BPF_JMP | BPF_JGE | BPF_K:
          taken = word >= step.k;
          break;
        case BPF_JMP | BPF_JSET | BPF_K:
          taken = (word & step.k) != 0;
          break;
        default:
          ADD_FAILURE() << "instruction " << step.code;
          return 0;
      }
      at += taken ? step.jt : step.jf;
    }
    ADD_FAILURE() << "ran past the end";
    return 0;
  }

  std::vector<sock_filter> whole_;
  std::vector<sock_filter> inherited_;
  std::vector<sock_filter> closing_;
  int steps_ = 0;
};

struct Architecture {
  const char* name;
  uint32_t arch;
  bool i386;
};
constexpr Architecture kArchitectures[] = {{"x86_64", AUDIT_ARCH_X86_64, false},
                                           {"i386", AUDIT_ARCH_I386, true}};

TEST(Compile, EveryNumberOfBothArchitecturesIsAnsweredAsTheTableSays) {
  for (uint64_t capabilities : {uint64_t{0}, ~uint64_t{0}}) {
    const Profile profile = MakeDefaultProfile(capabilities, false);
    Filter filter(profile);
    for (const Architecture& architecture : kArchitectures) {
      std::map<int, int> expected;
      for (const auto& [call, rule] : profile.rules) {
        const auto number = CallNumber(call, architecture.i386);
        // Of conditions: the argument 0 holds all of them.
        if (number.has_value()) expected[*number] = rule.error;
      }
      for (int number = 0; number <= kLastKnownCall; ++number) {
        const auto known = expected.find(number);
        EXPECT_EQ(filter.Answer(architecture.arch, number),
                  known == expected.end() ? EPERM : known->second)
            << architecture.name << " " << number;
        EXPECT_LT(filter.steps(), 24) << architecture.name << " " << number;
      }
      for (uint32_t number : {470u, 999u, 0x3fffffffu, 0x7fffffffu, 0xffffffffu}) {
        EXPECT_EQ(filter.Answer(architecture.arch, static_cast<int>(number)), ENOSYS) << number;
      }
    }
  }
}

TEST(Compile, X32IsNotThereAndOtherArchitecturesAreKilled) {
  Filter filter(MakeDefaultProfile(~uint64_t{0}, false));
  for (int number : {0, 1, 56, 512, 547}) {
    EXPECT_EQ(filter.Answer(AUDIT_ARCH_X86_64, number | 0x40000000), ENOSYS) << number;
  }
  EXPECT_EQ(filter.Answer(AUDIT_ARCH_AARCH64, 64), kKilled);
}

TEST(Compile, TerminalInjectionIsRefusedWhateverStandsInTheHighBits) {
  Filter filter(MakeDefaultProfile(0, false));
  for (const Architecture& architecture : kArchitectures) {
    const int ioctl = *CallNumber("ioctl", architecture.i386);
    for (uint64_t high : {uint64_t{0}, kHigh}) {
      EXPECT_EQ(filter.Answer(architecture.arch, ioctl, 0, high | 0x5412), EPERM);
      EXPECT_EQ(filter.Answer(architecture.arch, ioctl, 0, high | 0x541c), EPERM);
      EXPECT_EQ(filter.Answer(architecture.arch, ioctl, 0, high | 0x5413), 0) << "TIOCGWINSZ";
    }
  }
}

TEST(Compile, NamespacesAreRefusedThreadsAndProcessesAreNot) {
  Filter filter(MakeDefaultProfile(0, false));
  Filter admin(MakeDefaultProfile(uint64_t{1} << CAP_SYS_ADMIN, false));
  for (const Architecture& architecture : kArchitectures) {
    for (const char* call : {"clone", "unshare"}) {
      const int number = *CallNumber(call, architecture.i386);
      for (uint64_t flag :
           {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000}) {
        EXPECT_EQ(filter.Answer(architecture.arch, number, flag), EPERM) << call << flag;
        EXPECT_EQ(admin.Answer(architecture.arch, number, flag), flag == 0x10000000 ? EPERM : 0);
      }
      EXPECT_EQ(filter.Answer(architecture.arch, number, 0x3d0f00), 0) << "pthread_create";
      EXPECT_EQ(filter.Answer(architecture.arch, number, 0x600), 0) << "CLONE_FS | CLONE_FILES";
    }
    EXPECT_EQ(filter.Answer(architecture.arch, *CallNumber("unshare", architecture.i386), 0x80),
              EPERM);
  }
}

TEST(Compile, PersonalitiesAndSocketsToTheHypervisorAreChosen) {
  Filter filter(MakeDefaultProfile(0, false));
  for (const Architecture& architecture : kArchitectures) {
    const int personality = *CallNumber("personality", architecture.i386);
    EXPECT_EQ(filter.Answer(architecture.arch, personality, 0x40000), EPERM);
    EXPECT_EQ(filter.Answer(architecture.arch, personality, kHigh | 0x400000), EPERM);
    EXPECT_EQ(filter.Answer(architecture.arch, personality, 0xffffffff), 0);
    const int socket = *CallNumber("socket", architecture.i386);
    EXPECT_EQ(filter.Answer(architecture.arch, socket, kHigh | AF_VSOCK), EPERM);
    EXPECT_EQ(filter.Answer(architecture.arch, socket, AF_INET6), 0);
  }
}

// What a launch needs is open to the thread that makes it, with any arguments, and to no task.
TEST(CompileSplit, LaunchCallsAreOpenUntilTheyAreClosed) {
  const Profile profile = MakeDefaultProfile(0, false);
  Filter filter(profile);
  for (const std::string& call : LaunchCalls()) {
    const int number = *CallNumber(call, false);
    EXPECT_EQ(filter.AnswerToLauncher(number, ~uint64_t{0}), 0) << call;
    EXPECT_NE(filter.Answer(AUDIT_ARCH_X86_64, number, ~uint64_t{0}), 0) << call;
  }
  EXPECT_NE(filter.AnswerToLauncher(*CallNumber("kexec_load", false), 0), 0);
}

TEST(CompileSplit, EveryWordOfEveryConditionAnswersAsInOneProgram) {
  for (uint64_t capabilities : {uint64_t{0}, uint64_t{1} << CAP_SYS_ADMIN, ~uint64_t{0}}) {
    const Profile profile = MakeDefaultProfile(capabilities, true);
    Filter filter(profile);
    for (const Architecture& architecture : kArchitectures) {
      for (const auto& [call, rule] : profile.rules) {
        const auto number = CallNumber(call, architecture.i386);
        if (!number.has_value() || !rule.condition.has_value()) continue;
        for (uint32_t word : rule.condition->words) {
          for (uint64_t value : {uint64_t{word}, kHigh | word, uint64_t{word} + 1}) {
            filter.Answer(architecture.arch, *number, value, 0);
            filter.Answer(architecture.arch, *number, 0, value);
          }
        }
      }
    }
  }
}

// It is what a start pays for.
TEST(CompileSplit, TheSecondPartIsShort) {
  EXPECT_LT(Filter(MakeDefaultProfile(0, false)).closing_size(), 64u);
}

TEST(Compile, AllOfItFitsWell) { EXPECT_LT(Filter(MakeDefaultProfile(0, false)).size(), 1024u); }

TEST(Compile, ACallThatNobodyKnowsIsAMistake) {
  Profile profile = MakeDefaultProfile(0, false);
  profile.rules["opne"] = Rule();
  EXPECT_THAT(Compile(profile),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("'opne'")));
  EXPECT_THAT(CompileSplit(profile),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("'opne'")));
}

}  // namespace
}  // namespace cloister::seccomp
