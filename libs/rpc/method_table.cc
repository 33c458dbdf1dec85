#include "libs/rpc/method_table.h"

#include <initializer_list>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {
namespace {

constexpr RoleSet kNobody;
constexpr RoleSet kEverybody = {Role::kAdmin,      Role::kClient,    Role::kFrontend, Role::kNode,
                                Role::kLocalOwner, Role::kLocalUser, Role::kDev};
constexpr RoleSet kSchedulers = {Role::kAdmin, Role::kClient, Role::kLocalOwner, Role::kLocalUser,
                                 Role::kDev};
constexpr RoleSet kOperators = {Role::kAdmin, Role::kLocalOwner, Role::kDev};
// Of a name that a frontend forwards, "uid:0", it cannot be seen whether it owns that server: the
// frontend has asked.
constexpr RoleSet kForwardedOperators = {Role::kAdmin, Role::kLocalOwner, Role::kLocalUser,
                                         Role::kDev};
constexpr RoleSet kExecutorOperators = {Role::kAdmin, Role::kFrontend, Role::kLocalOwner,
                                        Role::kDev};
// A client's certificate is good for the frontend only: there its tasks are placed and seen.
constexpr RoleSet kExecutorCallers = {Role::kAdmin, Role::kFrontend, Role::kLocalOwner,
                                      Role::kLocalUser, Role::kDev};
// A local user can be anybody; whoever owns the server's process could be it anyway.
constexpr RoleSet kForwarders = {Role::kFrontend, Role::kLocalOwner, Role::kDev};
// The owner and dev: the nodes of a private cluster, which has no certificates.
constexpr RoleSet kNodes = {Role::kNode, Role::kLocalOwner, Role::kDev};

constexpr absl::string_view kTaskMethods[] = {
    "StartTask",  "GetTask",     "ListTasks",     "WaitTask",     "WatchTasks", "StopTask",
    "SignalTask", "DestroyTask", "ReadLogs",      "ExplainTask",  "ListFiles",  "StatFile",
    "ReadFile",   "PutFile",     "ListArtifacts", "FetchArtifact"};
// What they do is done to all of the node's callers.
constexpr absl::string_view kOperatorMethods[] = {"PruneArtifacts"};

void AddTaskService(RoleSet callers, RoleSet on_behalf_of, std::vector<MethodRule>* rules) {
  for (absl::string_view method : kTaskMethods) {
    rules->push_back({absl::StrCat("/cloister.v1.TaskService/", method), callers, on_behalf_of});
  }
}

void AddOperatorMethods(RoleSet callers, RoleSet on_behalf_of, std::vector<MethodRule>* rules) {
  for (absl::string_view method : kOperatorMethods) {
    rules->push_back({absl::StrCat("/cloister.v1.TaskService/", method), callers, on_behalf_of});
  }
}

void AddNodeService(RoleSet callers, RoleSet on_behalf_of, std::vector<MethodRule>* rules) {
  for (absl::string_view method : {"GetNode", "ListNodes"}) {
    rules->push_back({absl::StrCat("/cloister.v1.NodeService/", method), callers, on_behalf_of});
  }
}

// Whoever got a connection may ask what is served and how it is.
void AddCommonServices(std::vector<MethodRule>* rules) {
  for (absl::string_view method :
       {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    rules->push_back({std::string(method), kEverybody, kNobody});
  }
}

}  // namespace

MethodTable ExecutorMethodTable() {
  MethodTable table;
  AddTaskService(kExecutorCallers, kSchedulers, &table.rules);
  AddOperatorMethods(kExecutorOperators, kForwardedOperators, &table.rules);
  AddNodeService(kExecutorCallers, kSchedulers, &table.rules);
  AddCommonServices(&table.rules);
  table.forwarders = kForwarders;
  return table;
}

MethodTable FrontendMethodTable() {
  MethodTable table;
  AddTaskService(kSchedulers, kNobody, &table.rules);
  AddOperatorMethods(kOperators, kNobody, &table.rules);
  AddNodeService(kSchedulers, kNobody, &table.rules);
  table.rules.push_back({"/cloister.v1.NodeSession/Join", kNodes, kNobody});
  AddCommonServices(&table.rules);
  return table;
}

}  // namespace cloister::rpc
