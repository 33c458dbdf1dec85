// Which roles may call which method: one table for each kind of server. What is not in it, nobody
// may call.

#ifndef CLOISTER_LIBS_RPC_METHOD_TABLE_H_
#define CLOISTER_LIBS_RPC_METHOD_TABLE_H_

#include <string>
#include <vector>

#include "libs/rpc/principal.h"

namespace cloister::rpc {

struct MethodRule {
  std::string method;    // As registered: "/cloister.v1.TaskService/StartTask".
  RoleSet callers;       // Who may call it.
  RoleSet on_behalf_of;  // For whom a forwarder may call it: the same check at the second hop.
};

struct MethodTable {
  std::vector<MethodRule> rules;
  // Whose word is believed on whom they call for (metadata cloister-principal).
  RoleSet forwarders;
};

// TaskService and NodeService for frontends (on behalf of those whom the frontend lets in), admins
// and local users.
MethodTable ExecutorMethodTable();

// TaskService and NodeService for clients, admins and local users; NodeSession for nodes, and for
// nodes of the same user on the same machine. Believes nobody on whom they call for.
MethodTable FrontendMethodTable();

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_METHOD_TABLE_H_
