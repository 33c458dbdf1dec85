#include "libs/rpc/method_table.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cloister/v1/node_service.pb.h"
#include "cloister/v1/node_session.pb.h"
#include "cloister/v1/task_service.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/authorizer.h"
#include "libs/rpc/principal.h"

namespace cloister::rpc {
namespace {

using ::testing::UnorderedElementsAreArray;

// As registered, of each file's services.
std::vector<std::string> MethodsOf(
    const std::vector<const google::protobuf::FileDescriptor*>& files) {
  std::vector<std::string> methods;
  for (const auto* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.push_back(absl::StrCat("/", file->service(s)->full_name(), "/",
                                       file->service(s)->method(m)->name()));
      }
    }
  }
  return methods;
}

std::vector<std::string> MethodsOf(const MethodTable& table) {
  std::vector<std::string> methods;
  for (const MethodRule& rule : table.rules) methods.push_back(rule.method);
  return methods;
}

const std::vector<const google::protobuf::FileDescriptor*> kCommonFiles = {
    grpc::health::v1::HealthCheckRequest::descriptor()->file(),
    grpc::reflection::v1::ServerReflectionRequest::descriptor()->file(),
    grpc::reflection::v1alpha::ServerReflectionRequest::descriptor()->file(),
};

// "admin client frontend node owner user dev", those who may call it themselves.
std::string Callers(const MethodTable& table, absl::string_view method) {
  const std::vector<std::pair<const char*, Principal>> everybody = {
      {"admin", *Principal::Parse("admin/a")},
      {"client", *Principal::Parse("client/c")},
      {"frontend", *Principal::Parse("frontend/f")},
      {"node", *Principal::Parse("node/n")},
      {"owner", Principal::LocalOwner(0)},
      {"user", Principal::LocalUser(1000)},
      {"dev", Principal::Dev()}};
  const Authorizer authorizer(table, {0, 65534, {}}, true);
  std::string callers;
  for (const auto& [name, principal] : everybody) {
    if (authorizer.Decide(method, {principal, principal}).ok()) {
      absl::StrAppend(&callers, callers.empty() ? "" : " ", name);
    }
  }
  return callers;
}

TEST(ExecutorMethodTable, ListsEachMethodOfItsServices) {
  auto files = kCommonFiles;
  files.push_back(v1::GetTaskRequest::descriptor()->file());
  files.push_back(v1::GetNodeRequest::descriptor()->file());
  EXPECT_THAT(MethodsOf(ExecutorMethodTable()), UnorderedElementsAreArray(MethodsOf(files)));
}

TEST(FrontendMethodTable, ListsEachMethodOfItsServices) {
  auto files = kCommonFiles;
  files.push_back(v1::GetTaskRequest::descriptor()->file());
  files.push_back(v1::GetNodeRequest::descriptor()->file());
  files.push_back(v1::JoinRequest::descriptor()->file());
  EXPECT_THAT(MethodsOf(FrontendMethodTable()), UnorderedElementsAreArray(MethodsOf(files)));
}

TEST(ExecutorMethodTable, TasksAndTheNodeAreForFrontendsAdminsAndLocalUsers) {
  const MethodTable table = ExecutorMethodTable();
  for (const std::string& method : MethodsOf(
           {v1::GetTaskRequest::descriptor()->file(), v1::GetNodeRequest::descriptor()->file()})) {
    EXPECT_EQ(Callers(table, method), absl::EndsWith(method, "/PruneArtifacts")
                                          ? "admin frontend owner dev"
                                          : "admin frontend owner user dev")
        << method;
  }
}

TEST(ExecutorMethodTable, AFrontendCallsForWhomItLetsIn) {
  const Authorizer authorizer(ExecutorMethodTable(), {0, 65534, {}}, false);
  const Principal frontend = *Principal::Parse("frontend/f");
  for (const char* principal : {"client/c", "admin/a", "uid:0", "uid:1000", "dev"}) {
    EXPECT_THAT(authorizer.Decide("/cloister.v1.TaskService/StartTask",
                                  {frontend, *Principal::Parse(principal)}),
                IsOk())
        << principal;
  }
  for (const char* principal : {"node/n", "frontend/g"}) {
    EXPECT_FALSE(
        authorizer
            .Decide("/cloister.v1.TaskService/StartTask", {frontend, *Principal::Parse(principal)})
            .ok())
        << principal;
  }
}

TEST(FrontendMethodTable, TasksAndNodesAreForClientsAdminsAndLocalUsers) {
  const MethodTable table = FrontendMethodTable();
  for (const std::string& method : MethodsOf(
           {v1::GetTaskRequest::descriptor()->file(), v1::GetNodeRequest::descriptor()->file()})) {
    EXPECT_EQ(Callers(table, method), absl::EndsWith(method, "/PruneArtifacts")
                                          ? "admin owner dev"
                                          : "admin client owner user dev")
        << method;
  }
}

TEST(FrontendMethodTable, OnlyNodesJoin) {
  EXPECT_EQ(Callers(FrontendMethodTable(), "/cloister.v1.NodeSession/Join"), "node owner dev");
}

TEST(MethodTables, WhoeverIsConnectedMayAskForHealthAndServices) {
  for (const MethodTable& table : {ExecutorMethodTable(), FrontendMethodTable()}) {
    for (const std::string& method : MethodsOf(kCommonFiles)) {
      EXPECT_EQ(Callers(table, method), "admin client frontend node owner user dev") << method;
    }
  }
}

}  // namespace
}  // namespace cloister::rpc
