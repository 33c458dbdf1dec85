// The system calls that a task may make: the default profile, as a table. Pure data; compile.h
// makes the program of it.
//
// An allow-list with Docker's and containerd's default as the yardstick. What is not in it is
// refused with EPERM. ENOSYS is the answer where a program has another way to go on and takes it
// only then: clone3, whose flags are behind a pointer that no filter can follow, and all calls that
// are newer than the table. 64-bit and i386 programs have the same table; x32, the same calls under
// other numbers, is not there at all (ENOSYS): no distribution has programs for it.
//
// Stricter than Docker: no user namespace even with sys_admin, no change of a file's project id or
// flags (they are how disk quotas are kept), and no tracing of other processes where the pid
// namespace is the node's.
#ifndef CLOISTER_LIBS_SECCOMP_PROFILE_H_
#define CLOISTER_LIBS_SECCOMP_PROFILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::seccomp {

// On the low 32 bits of an argument, as the kernel reads it: what stands in the high ones does not
// hide the value (CVE-2019-7303).
struct Condition {
  enum class Kind {
    kOneOf,   // It is one of the words.
    kNoneOf,  // It is none of the words.
    kNoBits,  // It has none of the bits of words[0].
  };
  int argument = 0;
  Kind kind = Kind::kOneOf;
  std::vector<uint32_t> words;
};

struct Rule {
  // 0: allowed, if the condition holds, and else EPERM. Otherwise this errno.
  int error = 0;
  absl::optional<Condition> condition;
};

struct Profile {
  std::string name;
  // By the call's name. What is not here: EPERM.
  std::map<std::string, Rule> rules;
};

inline constexpr char kDefaultProfile[] = "default";

// CAP_* bits that open calls, and so make another profile.
uint64_t CapabilitiesThatCount();

// For a task that can hold `capabilities` (its bounding set). `host_pids`: in the node's pid
// namespace.
//
// ptrace and process_vm_* are allowed otherwise, as since Linux 4.8 a tracer cannot carry its
// tracee past the filter, and the task's pid namespace holds nothing but the task.
Profile MakeDefaultProfile(uint64_t capabilities, bool host_pids);

// 32 hexadecimal digits of the SHA-256 of all that the profile says.
std::string ProfileHash(const Profile& profile);

// The same of MakeDefaultProfile(capabilities & CapabilitiesThatCount(), host_pids), remembered: it
// is on the way of every start.
std::string DefaultProfileHash(uint64_t capabilities, bool host_pids);

// The calls that a capability opens, for people: "sys_time" -> clock_settime, ...; empty for one
// that opens none.
std::vector<std::string> CallsOpenedBy(int capability);

}  // namespace cloister::seccomp

#endif  // CLOISTER_LIBS_SECCOMP_PROFILE_H_
