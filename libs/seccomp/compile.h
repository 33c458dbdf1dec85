// A profile as a program for seccomp(2), SECCOMP_SET_MODE_FILTER: one binary search over ranges of
// numbers for each architecture, so that the kernel checks and translates few instructions at a
// start and walks fewer at a call.
#ifndef CLOISTER_LIBS_SECCOMP_COMPILE_H_
#define CLOISTER_LIBS_SECCOMP_COMPILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/seccomp/profile.h"

namespace cloister::seccomp {

// The last call of the kernel's that profiles know by name: those after it get ENOSYS.
inline constexpr int kLastKnownCall = 469;

// Number of the call in 64-bit or i386 programs; none if there is no such call there, or nobody
// knows it.
absl::optional<int> CallNumber(absl::string_view call, bool i386);

// An array of sock_filter, as bytes. INVALID_ARGUMENT for a call that neither architecture has: a
// rule that guards nothing is a mistake.
absl::StatusOr<std::string> Compile(const Profile& profile);

// The calls, in 64-bit programs, that a thread which launches tasks makes and the default profile
// has not, or not with these arguments. The child makes some of them until it becomes the task.
const std::vector<std::string>& LaunchCalls();

// The same profile in two programs. Under the first one a thread can live that launches tasks: its
// children inherit it, which costs nothing, whatever its size. Each adds the second one, which
// closes LaunchCalls() and is short: the kernel checks and translates a program at each start
// anew. Of several programs the strictest answer counts (seccomp(2)); so a task under both is
// refused, and with the same errno, what it is refused under Compile()'s.
struct SplitProgram {
  std::string inherited;
  std::string closing;
};
absl::StatusOr<SplitProgram> CompileSplit(const Profile& profile);

}  // namespace cloister::seccomp

#endif  // CLOISTER_LIBS_SECCOMP_COMPILE_H_
