// cross-tenant-cache: what one principal has fetched, as another one sees it. Principals are told
// apart as the executor tells them: by the word of whom it believes, a frontend or its owner.
#include <grpcpp/grpcpp.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/authorizer.h"
#include "tests/artifacts/artifact_fixture.h"

namespace cloister {
namespace {

using testing::HasSubstr;
using testing::Not;

class TenantCacheTest : public ArtifactTest {
 protected:
  void SetUp() override {
    www().Write("private/o", kPrivate);
    ArtifactTest::SetUp();
  }
  std::string Policy() override { return "  attempts = 1\n"; }

  // A call of that principal's; how it went.
  template <typename Call>
  grpc::Status As(const std::string& principal, const Call& call) {
    grpc::ClientContext context;
    context.AddMetadata(std::string(rpc::kPrincipalMetadata), principal);
    return call(&context);
  }
  grpc::Status Fetch(const std::string& principal, const std::string& source,
                     const std::string& checksum, const std::string& cache,
                     v1::ArtifactStatus* status = nullptr) {
    v1::FetchArtifactRequest request;
    v1::Artifact* artifact = request.mutable_artifact();
    artifact->set_source(source);
    artifact->set_cache(cache);
    (*artifact->mutable_options())["checksum"] = checksum;
    v1::FetchArtifactResponse response;
    const grpc::Status answer = As(principal, [&](grpc::ClientContext* context) {
      return cluster().executor_tasks(1).FetchArtifact(context, request, &response);
    });
    if (status != nullptr) *status = response.artifact();
    return answer;
  }
  grpc::Status Start(const std::string& principal, const std::string& source,
                     const std::string& checksum, const std::string& cache, v1::Task* task) {
    v1::StartTaskRequest request = Shell("cat /local/*");
    Add(&request, source, checksum)->set_cache(cache);
    v1::StartTaskResponse response;
    const grpc::Status answer = As(principal, [&](grpc::ClientContext* context) {
      return cluster().executor_tasks(1).StartTask(context, request, &response);
    });
    *task = response.task();
    return answer;
  }
  std::string ListOf(const std::string& principal) {
    v1::ListArtifactsResponse response;
    EXPECT_TRUE(As(principal, [&](grpc::ClientContext* context) {
                  return cluster().executor_tasks(1).ListArtifacts(context, {}, &response);
                }).ok());
    return response.DebugString();
  }

  static constexpr char kPrivate[] = "of A alone\n";
  static constexpr char kA[] = "client/a";
  static constexpr char kB[] = "client/b";
};

TEST_F(TenantCacheTest, ADigestOpensNothingOfAnotherTenant) {
  const std::string digest = Sum(kPrivate);
  ASSERT_TRUE(Fetch(kA, server().Url("/private/o"), digest, "tenant").ok());
  v1::ArtifactStatus again;
  ASSERT_TRUE(Fetch(kA, server().Url("/gone/o"), digest, "tenant", &again).ok());
  EXPECT_TRUE(again.cached());
  EXPECT_THAT(ListOf(kA), HasSubstr(digest));
  EXPECT_THAT(ListOf(kB), Not(HasSubstr(digest)));
  // B is told the same of what A has and of what nobody has.
  for (const char* cache : {"tenant", "public", "off"}) {
    const grpc::Status had = Fetch(kB, server().Url("/gone/o"), digest, cache);
    const grpc::Status absent = Fetch(kB, server().Url("/gone/o"), Sum("nobody's"), cache);
    EXPECT_FALSE(had.ok()) << cache;
    EXPECT_EQ(had.error_code(), absent.error_code()) << cache;
    EXPECT_EQ(had.error_message(), absent.error_message()) << cache;
    v1::Task task;
    const grpc::Status started = Start(kB, server().Url("/gone/o"), digest, cache, &task);
    const grpc::Status not_started =
        Start(kB, server().Url("/gone/o"), Sum("nobody's"), cache, &task);
    EXPECT_FALSE(started.ok()) << cache;
    EXPECT_EQ(started.error_code(), not_started.error_code());
    EXPECT_EQ(started.error_message(), not_started.error_message());
  }
  // Where its own source serves it, it is fetched, whoever else has it: nothing is told by it.
  v1::ArtifactStatus fetched;
  ASSERT_TRUE(Fetch(kB, server().Url("/private/o"), digest, "tenant", &fetched).ok());
  EXPECT_FALSE(fetched.cached());
  EXPECT_EQ(fetched.fetched_bytes(), sizeof(kPrivate) - 1);
  EXPECT_EQ(fetched.attempts(), 1);
}

TEST_F(TenantCacheTest, WhatOneMakesPublicIsServedToWhoNamesIt) {
  const std::string digest = Sum(kPrivate);
  ASSERT_TRUE(Fetch(kA, server().Url("/private/o"), digest, "public").ok());
  v1::ArtifactStatus status;
  ASSERT_TRUE(Fetch(kB, server().Url("/gone/o"), digest, "tenant", &status).ok());
  EXPECT_TRUE(status.cached());
  v1::Task task;
  const grpc::Status started = Start(kB, server().Url("/gone/o"), digest, "public", &task);
  ASSERT_TRUE(started.ok()) << started.error_message();
  const auto ended = cluster().client().WaitTask(task.id());
  ASSERT_THAT(ended, IsOk());
  const auto text = cluster().ReadAll(task.id(), v1::LOG_STREAM_STDOUT);
  EXPECT_THAT(text, IsOkAndHolds(std::string(kPrivate)));
  EXPECT_THAT(cluster().Destroy(task.id()), IsOk());
}

// A's private object is no less so when B makes the same bytes public.
TEST_F(TenantCacheTest, TheSameUrlIsAskedOnceMoreForAnotherTenant) {
  v1::ArtifactStatus status;
  const std::string url = server().Url("/private/o");
  ASSERT_TRUE(Fetch(kA, url, Sum(kPrivate), "tenant").ok());
  www().Write("private/o", "changed\n");
  ASSERT_TRUE(Fetch(kA, url, Sum(kPrivate), "tenant", &status).ok());
  EXPECT_TRUE(status.cached());
  const grpc::Status refused = Fetch(kB, url, Sum(kPrivate), "tenant");
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.error_message(), HasSubstr(Sum("changed\n").substr(7)));
}

// Fetches ahead that take long: a tenant's are bounded, and another's come all the same.
TEST_F(TenantCacheTest, OneTenantsSlowFetchesLeaveRoomForAnothers) {
  constexpr int kOfOneTenant = 3;
  absl::BlockingCounter asked(kOfOneTenant);
  absl::Notification let_go;
  const artifact::ScriptedServer slow([&](int fd, const std::string&) {
    asked.DecrementCount();
    let_go.WaitForNotification();
    artifact::SendAll(fd, "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  std::vector<std::thread> callers;
  for (int i = 0; i < kOfOneTenant; ++i) {
    callers.emplace_back([&, i] {
      const std::string name = absl::StrCat("/", i);
      EXPECT_FALSE(Fetch(kA, slow.Url(name), Sum(name), "tenant").ok());
    });
  }
  asked.Wait();
  EXPECT_EQ(Fetch(kA, server().Url("/private/o"), Sum(kPrivate), "tenant").error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Fetch(kB, server().Url("/private/o"), Sum(kPrivate), "tenant").ok());
  let_go.Notify();
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace cloister
