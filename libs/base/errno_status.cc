#include "libs/base/errno_status.h"

#include <errno.h>

#include <cstring>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace cloister {
namespace {

// Beside the words, never shown: inside our processes only.
constexpr absl::string_view kErrnoPayload = "cloister.internal/errno";

}  // namespace

std::string ErrnoWords(int error_number) {
  char buffer[128];
  // The GNU strerror_r: the result may or may not be the buffer.
  std::string words = strerror_r(error_number, buffer, sizeof(buffer));
  // "RFS specific error" keeps its capitals: those are a name, not the start of a sentence.
  const bool is_name = words.size() > 1 && absl::ascii_isupper(words[1]);
  if (!words.empty() && !is_name) words[0] = absl::ascii_tolower(words[0]);
  return words;
}

absl::Status ErrnoStatus(int error_number, absl::string_view what) {
  if (error_number == 0) return absl::InternalError(absl::StrCat(what, ": failed without errno"));
  absl::Status status(absl::ErrnoToStatusCode(error_number),
                      absl::StrCat(what, ": ", ErrnoWords(error_number)));
  status.SetPayload(kErrnoPayload, absl::Cord(absl::StrCat(error_number)));
  return status;
}

int ErrnoOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrnoPayload);
  int error_number = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &error_number)) return 0;
  return error_number;
}

bool IsShortage(const absl::Status& status) {
  const int error_number = ErrnoOf(status);
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM;
}

}  // namespace cloister
