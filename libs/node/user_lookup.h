// Asks the node's user database (nsswitch.conf(5): files, LDAP, ...) who a task runs as.
#ifndef CLOISTER_LIBS_NODE_USER_LOOKUP_H_
#define CLOISTER_LIBS_NODE_USER_LOOKUP_H_

#include "absl/status/statusor.h"
#include "libs/task/resolved_user.h"
#include "libs/task/user_field.h"

namespace cloister::node {

// A name: what passwd and group say of it. A uid: the same, by number. A "uid:gid": those, without
// supplementary groups; name and home from passwd if it knows the uid.
//
// INVALID_ARGUMENT with a violation of field "user" for a name or a lone uid that passwd does not
// know. UNAVAILABLE or the like if the database cannot be read: nobody runs as somebody by
// accident. May block on the network, as NSS does; not for static programs.
absl::StatusOr<task::ResolvedUser> LookUpUser(const task::UserField& field);

}  // namespace cloister::node

#endif  // CLOISTER_LIBS_NODE_USER_LOOKUP_H_
