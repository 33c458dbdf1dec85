#include "libs/node/user_lookup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/types.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libs/base/errno_status.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_macros.h"

namespace cloister::node {
namespace {

constexpr size_t kMaxEntryBytes = 1 << 20;
constexpr int kMaxGroups = 65536;  // NGROUPS_MAX

struct PasswdEntry {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
};

// `get(entry, buffer, size, result)` is getpwnam_r or getpwuid_r with its key. None: there is no
// such entry.
template <typename Get>
absl::StatusOr<absl::optional<PasswdEntry>> GetEntry(absl::string_view key, Get get) {
  std::vector<char> buffer(4096);
  for (;;) {
    struct passwd entry;
    struct passwd* result = nullptr;
    const int error_number = get(&entry, buffer.data(), buffer.size(), &result);
    if (result != nullptr) {
      return absl::optional<PasswdEntry>(
          PasswdEntry{entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir});
    }
    if (error_number == ERANGE && buffer.size() < kMaxEntryBytes) {
      buffer.resize(buffer.size() * 4);
      continue;
    }
    if (error_number == EINTR) continue;
    // Services say "not found" in more than one way (getpwnam(3)); anything else is no answer.
    if (error_number == 0 || error_number == ENOENT || error_number == ESRCH) {
      return absl::optional<PasswdEntry>();
    }
    return ErrnoStatus(error_number, absl::StrCat("passwd entry of '", key, "'"));
  }
}

absl::StatusOr<absl::optional<PasswdEntry>> GetByName(const std::string& name) {
  return GetEntry(name,
                  [&](struct passwd* entry, char* buffer, size_t size, struct passwd** result) {
                    return getpwnam_r(name.c_str(), entry, buffer, size, result);
                  });
}

absl::StatusOr<absl::optional<PasswdEntry>> GetByUid(uid_t uid) {
  return GetEntry(absl::StrCat(uid),
                  [&](struct passwd* entry, char* buffer, size_t size, struct passwd** result) {
                    return getpwuid_r(uid, entry, buffer, size, result);
                  });
}

absl::Status UnknownUser(const std::string& description) {
  return InvalidArgument({{"user", description}});
}

absl::StatusOr<std::vector<uint32_t>> GetGroups(const PasswdEntry& entry) {
  int count = 64;
  std::vector<gid_t> groups;
  do {
    groups.resize(static_cast<size_t>(count));
    if (getgrouplist(entry.name.c_str(), entry.gid, groups.data(), &count) >= 0) break;
    // `count` is now what it takes, or unchanged where memory ran out.
    if (count <= static_cast<int>(groups.size())) count = static_cast<int>(groups.size()) * 2;
  } while (count <= kMaxGroups);
  if (count > kMaxGroups) {
    return absl::ResourceExhaustedError(
        absl::StrCat("user '", entry.name, "' is in more than ", kMaxGroups, " groups"));
  }
  groups.resize(static_cast<size_t>(count));
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  groups.erase(std::remove(groups.begin(), groups.end(), entry.gid), groups.end());
  return std::vector<uint32_t>(groups.begin(), groups.end());
}

absl::StatusOr<task::ResolvedUser> Resolve(const PasswdEntry& entry) {
  task::ResolvedUser user;
  user.name = entry.name;
  user.uid = entry.uid;
  user.gid = entry.gid;
  user.home = entry.home.empty() ? "/" : entry.home;
  user.gid_from_passwd = true;
  CLOISTER_ASSIGN_OR_RETURN(user.groups, GetGroups(entry));
  return user;
}

// Numbers that the caller chose: passwd may know the uid, but need not.
task::ResolvedUser Choose(const task::UserField& field, const absl::optional<PasswdEntry>& entry) {
  task::ResolvedUser user;
  user.name = entry ? entry->name : absl::StrCat(field.uid);
  user.uid = field.uid;
  user.gid = field.gid;
  user.home = entry && !entry->home.empty() ? entry->home : "/";
  user.gid_from_passwd = entry && entry->gid == field.gid;
  return user;
}

}  // namespace

absl::StatusOr<task::ResolvedUser> LookUpUser(const task::UserField& field) {
  if (field.kind == task::UserField::Kind::kName) {
    CLOISTER_ASSIGN_OR_RETURN(const auto entry, GetByName(field.name));
    if (!entry) return UnknownUser(absl::StrCat("unknown user ", field.name));
    return Resolve(*entry);
  }
  CLOISTER_ASSIGN_OR_RETURN(const auto entry, GetByUid(field.uid));
  if (field.kind == task::UserField::Kind::kUidGid) return Choose(field, entry);
  if (!entry) {
    return UnknownUser(absl::StrCat(
        "uid ", field.uid, " has no passwd entry on this node: write \"", field.uid, ":GID\""));
  }
  return Resolve(*entry);
}

}  // namespace cloister::node
