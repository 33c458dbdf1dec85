// UserField: what the `user` of a task says, as text, before anybody has looked it up.
#ifndef CLOISTER_LIBS_TASK_USER_FIELD_H_
#define CLOISTER_LIBS_TASK_USER_FIELD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::task {

// The user of a task that names none.
inline constexpr absl::string_view kDefaultUser = "nobody";

struct UserField {
  enum class Kind {
    kName,    // A user name of the node.
    kUid,     // A number that the node's passwd must know: its group and groups come from there.
    kUidGid,  // Numbers that need no passwd entry; no supplementary groups.
  };
  Kind kind = Kind::kName;
  std::string name;
  uint32_t uid = 0;
  uint32_t gid = 0;
  // The task named none.
  bool is_default = false;

  // As it would be written: "nobody", "1000", "1000:100".
  std::string ToString() const;
};

// Empty text is kDefaultUser. What starts with a digit is a number and never a name. Strict:
// decimal digits without sign, space or leading zeros, 0 to 4294967294 (4294967295 is "no id" to
// the kernel); a name is [A-Za-z_][A-Za-z0-9_.-]*, with a '$' at the end if need be, of at most 256
// characters. INVALID_ARGUMENT with what is wrong; uid 0 is no matter of syntax and is let through.
absl::StatusOr<UserField> ParseUserField(absl::string_view text);

}  // namespace cloister::task

#endif  // CLOISTER_LIBS_TASK_USER_FIELD_H_
