#include "libs/task/task_id.h"

#include "absl/strings/str_cat.h"
#include "libs/base/base32.h"
#include "libs/task/sha256.h"

namespace cloister::task {
namespace {

constexpr size_t kIdBytes = 16;
constexpr size_t kIdCharacters = 26;

}  // namespace

std::string DeriveTaskId(absl::string_view principal, absl::string_view request_id) {
  // The length keeps ("ab", "c") and ("a", "bc") apart; the first words keep this hash apart from
  // any other of ours.
  const std::string input =
      absl::StrCat("cloister task id\n", principal.size(), "\n", principal, request_id);
  return Base32Lower(Sha256(input).substr(0, kIdBytes));
}

bool IsTaskId(absl::string_view text) {
  if (text.size() != kIdCharacters) return false;
  for (char c : text) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '2' && c <= '7')) return false;
  }
  // 26 characters hold 130 bits; the last two are zero, so that each id has one spelling.
  return absl::string_view("aeimquy4").find(text.back()) != absl::string_view::npos;
}

}  // namespace cloister::task
