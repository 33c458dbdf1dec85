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

// As the kernel runs it: 0, an errno, or kKilled.
class Filter {
 public:
  explicit Filter(const Profile& profile) {
    const absl::StatusOr<std::string> bytes = Compile(profile);
    EXPECT_THAT(bytes, IsOk());
    if (!bytes.ok()) return;
    program_.resize(bytes->size() / sizeof(sock_filter));
    memcpy(program_.data(), bytes->data(), bytes->size());
  }

  size_t size() const { return program_.size(); }
  // Instructions of the last call.
  int steps() const { return steps_; }

  int Answer(uint32_t arch, int number, uint64_t argument0 = 0, uint64_t argument1 = 0) {
    seccomp_data data = {};
    data.nr = number;
    data.arch = arch;
    data.args[0] = argument0;
    data.args[1] = argument1;
    const uint32_t action = Run(data);
    if (action == SECCOMP_RET_KILL_PROCESS) return kKilled;
    if (action == SECCOMP_RET_ALLOW) return 0;
    EXPECT_EQ(action & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
    return static_cast<int>(action & SECCOMP_RET_DATA);
  }

 private:
  uint32_t Run(const seccomp_data& data) {
    uint32_t word = 0;
    steps_ = 0;
    for (size_t at = 0; at < program_.size(); ++at, ++steps_) {
      const sock_filter& step = program_[at];
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

  std::vector<sock_filter> program_;
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

TEST(Compile, AllOfItFitsWell) { EXPECT_LT(Filter(MakeDefaultProfile(0, false)).size(), 1024u); }

TEST(Compile, ACallThatNobodyKnowsIsAMistake) {
  Profile profile = MakeDefaultProfile(0, false);
  profile.rules["opne"] = Rule();
  EXPECT_THAT(Compile(profile),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("'opne'")));
}

}  // namespace
}  // namespace cloister::seccomp
