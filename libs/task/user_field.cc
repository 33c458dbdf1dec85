#include "libs/task/user_field.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "libs/base/status_macros.h"

namespace cloister::task {
namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr uint32_t kNoId = 4294967295u;

// For messages: the text comes from a stranger.
std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::CHexEscape(text.substr(0, 64)), text.size() > 64 ? "..." : "",
                      "'");
}

absl::StatusOr<uint32_t> ParseId(absl::string_view text, absl::string_view what) {
  const absl::Status bad = absl::InvalidArgumentError(
      absl::StrCat(what, " ", Quoted(text), " is not a number from 0 to 4294967294"));
  // SimpleAtoi alone would take signs, spaces and leading zeros.
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return bad;
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return bad;
  }
  uint32_t id = 0;
  if (!absl::SimpleAtoi(text, &id) || id == kNoId) return bad;
  return id;
}

bool IsUserName(absl::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes) return false;
  if (text.size() > 1 && text.back() == '$') text.remove_suffix(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const bool starts = absl::ascii_isalpha(c) || c == '_';
    if (!starts && (i == 0 || !(absl::ascii_isdigit(c) || c == '.' || c == '-'))) return false;
  }
  return true;
}

}  // namespace

std::string UserField::ToString() const {
  switch (kind) {
    case Kind::kName:
      return name;
    case Kind::kUid:
      return absl::StrCat(uid);
    case Kind::kUidGid:
      return absl::StrCat(uid, ":", gid);
  }
  return "";
}

absl::StatusOr<UserField> ParseUserField(absl::string_view text) {
  UserField field;
  if (text.empty()) {
    text = kDefaultUser;
    field.is_default = true;
  }
  if (IsUserName(text)) {
    field.name = std::string(text);
    return field;
  }
  if (!absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(text), " is neither a user name, a uid, nor uid:gid"));
  }
  const size_t colon = text.find(':');
  field.kind = UserField::Kind::kUid;
  CLOISTER_ASSIGN_OR_RETURN(field.uid, ParseId(text.substr(0, colon), "uid"));
  if (colon != absl::string_view::npos) {
    field.kind = UserField::Kind::kUidGid;
    CLOISTER_ASSIGN_OR_RETURN(field.gid, ParseId(text.substr(colon + 1), "gid"));
  }
  return field;
}

}  // namespace cloister::task
