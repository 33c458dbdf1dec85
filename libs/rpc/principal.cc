#include "libs/rpc/principal.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error_reason.h"

namespace cloister::rpc {
namespace {

constexpr absl::string_view kScheme = "cloister://";
constexpr absl::string_view kUidPrefix = "uid:";
constexpr absl::string_view kDevText = "dev";
constexpr size_t kMaxNameLength = 128;

struct NamedRole {
  absl::string_view name;
  Role role;
};

// The roles that a certificate can give.
constexpr NamedRole kCertificateRoles[] = {
    {"admin", Role::kAdmin},
    {"client", Role::kClient},
    {"frontend", Role::kFrontend},
    {"node", Role::kNode},
};

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > kMaxNameLength || !absl::ascii_isalnum(text[0])) return false;
  for (char c : text) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

// For a message: what it says is the peer's.
std::string Quoted(absl::string_view text) {
  constexpr size_t kShown = 160;
  return absl::StrCat("'", absl::CHexEscape(text.substr(0, kShown)), "'");
}

}  // namespace

Principal Principal::LocalOwner(uid_t uid) {
  return Principal(Role::kLocalOwner, absl::StrCat(uid));
}

Principal Principal::LocalUser(uid_t uid) { return Principal(Role::kLocalUser, absl::StrCat(uid)); }

Principal Principal::Dev() { return Principal(Role::kDev, ""); }

absl::StatusOr<Principal> Principal::ParseRoleAndName(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash != absl::string_view::npos && IsName(text.substr(slash + 1))) {
    for (const NamedRole& named : kCertificateRoles) {
      if (named.name != text.substr(0, slash)) continue;
      return Principal(named.role, std::string(text.substr(slash + 1)));
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(text), " is no role and name such as client/alice"));
}

absl::StatusOr<Principal> Principal::FromUriNames(const std::vector<absl::string_view>& uris) {
  std::vector<absl::string_view> ours;
  for (absl::string_view uri : uris) {
    if (absl::StartsWith(uri, kScheme)) ours.push_back(uri);
  }
  if (ours.empty()) {
    return WithReason(
        absl::PermissionDeniedError("the certificate has no URI name cloister://<role>/<name>"),
        "CERTIFICATE_WITHOUT_ROLE");
  }
  if (ours.size() > 1) {
    return WithReason(absl::PermissionDeniedError(
                          absl::StrCat("the certificate has ", ours.size(),
                                       " URI names cloister://<role>/<name>, one is allowed")),
                      "CERTIFICATE_WITH_TWO_ROLES");
  }
  absl::StatusOr<Principal> principal = ParseRoleAndName(absl::StripPrefix(ours[0], kScheme));
  if (!principal.ok()) {
    return WithReason(absl::PermissionDeniedError(absl::StrCat(
                          "the certificate's URI name ", Quoted(ours[0]),
                          " is not cloister://<role>/<name> with a role of admin, client, "
                          "frontend, node")),
                      "CERTIFICATE_ROLE_INVALID");
  }
  return principal;
}

absl::StatusOr<Principal> Principal::Parse(absl::string_view text) {
  if (text == kDevText) return Dev();
  if (!absl::ConsumePrefix(&text, kUidPrefix)) return ParseRoleAndName(text);
  // Only the form that ToString() gives: one principal has one text.
  uint32_t uid = 0;
  if (!absl::SimpleAtoi(text, &uid) || absl::StrCat(uid) != text) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(text), " is no uid in decimal after 'uid:'"));
  }
  return LocalUser(uid);
}

std::string Principal::ToString() const {
  switch (role_) {
    case Role::kDev:
      return std::string(kDevText);
    case Role::kLocalOwner:
    case Role::kLocalUser:
      return absl::StrCat(kUidPrefix, name_);
    case Role::kAdmin:
    case Role::kClient:
    case Role::kFrontend:
    case Role::kNode:
      break;
  }
  for (const NamedRole& named : kCertificateRoles) {
    if (named.role == role_) return absl::StrCat(named.name, "/", name_);
  }
  return "";
}

}  // namespace cloister::rpc
