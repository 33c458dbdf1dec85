// Who makes a call: a role, and a name within it.
//
//   text               who                                            how it is known
//   uid:1000           a user of this machine                         SO_PEERCRED of the unix
//   socket client/alice       a certificate's holder: admin, client,         the URI SAN of the
//   certificate:
//                      frontend or node                               cloister://client/alice
//   dev                anybody on this machine, in dev mode           loopback, without TLS

#ifndef CLOISTER_LIBS_RPC_PRINCIPAL_H_
#define CLOISTER_LIBS_RPC_PRINCIPAL_H_

#include <sys/types.h>

#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::rpc {

enum class Role {
  kAdmin,
  kClient,
  kFrontend,
  kNode,
  kLocalOwner,  // Root, or the user that we run as: can do to our process whatever it likes anyway.
  kLocalUser,   // Another user of this machine, let in by name (--allowed_uids).
  kDev,
};

// Some of the roles.
class RoleSet {
 public:
  constexpr RoleSet() = default;
  constexpr RoleSet(std::initializer_list<Role> roles) {
    for (Role role : roles) bits_ |= Bit(role);
  }
  constexpr bool Contains(Role role) const { return (bits_ & Bit(role)) != 0; }

 private:
  static constexpr unsigned Bit(Role role) { return 1u << static_cast<unsigned>(role); }
  unsigned bits_ = 0;
};

// A value that only the functions below make, so that one that exists is well-formed.
class Principal {
 public:
  // A peer of a unix socket.
  static Principal LocalOwner(uid_t uid);
  static Principal LocalUser(uid_t uid);

  static Principal Dev();

  // The holder of a certificate with these URI SANs, of which exactly one has the scheme cloister
  // and reads cloister://<role>/<name>. PERMISSION_DENIED otherwise, with the reason
  // CERTIFICATE_WITHOUT_ROLE, CERTIFICATE_WITH_TWO_ROLES or CERTIFICATE_ROLE_INVALID. Names have 1
  // to 128 characters of A-Z a-z 0-9 . _ - and begin with a letter or digit.
  static absl::StatusOr<Principal> FromUriNames(const std::vector<absl::string_view>& uris);

  // What ToString() gave, on another machine: a uid is a LocalUser, as we know nothing of who owns
  // what there. INVALID_ARGUMENT for anything else.
  static absl::StatusOr<Principal> Parse(absl::string_view text);

  Role role() const { return role_; }
  // "alice"; the uid in decimal; empty for dev.
  const std::string& name() const { return name_; }

  // "uid:1000", "client/alice", "dev". Stable: task ids are derived from it.
  std::string ToString() const;

  friend bool operator==(const Principal& a, const Principal& b) {
    return a.role_ == b.role_ && a.name_ == b.name_;
  }
  friend std::ostream& operator<<(std::ostream& os, const Principal& p) {
    return os << p.ToString();
  }

 private:
  Principal(Role role, std::string name) : role_(role), name_(std::move(name)) {}
  static absl::StatusOr<Principal> ParseRoleAndName(absl::string_view text);

  Role role_;
  std::string name_;
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_PRINCIPAL_H_
