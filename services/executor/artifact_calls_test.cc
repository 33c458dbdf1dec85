// The calls on a node's artifacts over a real server, for callers of the test's choice, with
// artifacts that come when the test says so.
#include "services/executor/artifact_calls.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cloister/v1/task_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/clock.h"
#include "libs/base/error_reason.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "libs/engine/testing/fake_artifacts.h"
#include "libs/engine/testing/fake_planner.h"
#include "libs/engine/testing/temporary_directory.h"
#include "libs/rpc/deadline.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::executor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kCaller[] = "caller";

// A call's principal is what its client says.
class Service : public v1::TaskService::CallbackService {
 public:
  explicit Service(ArtifactCalls* calls) : calls_(calls) {}
  grpc::ServerUnaryReactor* FetchArtifact(grpc::CallbackServerContext* context,
                                          const v1::FetchArtifactRequest* request,
                                          v1::FetchArtifactResponse* response) override {
    const auto caller = context->client_metadata().find(kCaller);
    return calls_->Fetch(context,
                         *rpc::Principal::Parse({caller->second.data(), caller->second.size()}),
                         *request, response);
  }

 private:
  ArtifactCalls* const calls_;
};

class ArtifactCallsTest : public testing::Test {
 protected:
  ArtifactCallsTest() {
    for (const char* folder : {"launchers", "tasks"}) {
      mkdir((directory_ / folder).c_str(), 0700);
    }
    engine::EngineOptions options;
    options.node_id = "n1";
    options.capacity = {100, 1000};
    const auto open_folder = [this](const char* name) {
      return OwnedFd(open((directory_ / name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    };
    auto engine = engine::Engine::Create(std::move(options), open_folder("launchers"),
                                         open_folder("tasks"), &planner_, &clock_);
    EXPECT_THAT(engine, IsOk());
    engine_ = *std::move(engine);
    auto cache = artifact::Cache::Open({(directory_ / "artifacts"), "boot", &clock_});
    EXPECT_THAT(cache, IsOk());
    cache_ = *std::move(cache);
    parts_ = {&artifacts_, cache_.get(), 4};
  }
  ~ArtifactCallsTest() override {
    calls_.reset();
    if (server_ != nullptr) server_->Shutdown();
    server_.reset();
  }

  ArtifactCalls& calls() {
    if (calls_ == nullptr) {
      calls_ = std::make_unique<ArtifactCalls>("n1", parts_, engine_.get(), &drain_);
    }
    return *calls_;
  }
  v1::TaskService::Stub& stub() {
    if (stub_ != nullptr) return *stub_;
    service_ = std::make_unique<Service>(&calls());
    const std::string address = absl::StrCat("unix:", directory_ / "s.sock");
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ =
        v1::TaskService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    return *stub_;
  }
  static void Prepare(grpc::ClientContext* context, const std::string& caller) {
    rpc::SetDeadline(context, absl::Minutes(5));
    context->AddMetadata(kCaller, caller);
  }
  absl::StatusOr<v1::FetchArtifactResponse> Fetch(grpc::ClientContext* context,
                                                  const std::string& source,
                                                  const std::string& node_id = "") {
    v1::FetchArtifactRequest request;
    request.set_node_id(node_id);
    request.mutable_artifact()->set_source(source);
    v1::FetchArtifactResponse response;
    const grpc::Status status = stub().FetchArtifact(context, request, &response);
    if (!status.ok()) return rpc::FromGrpcStatus(status);
    return response;
  }
  absl::StatusOr<v1::FetchArtifactResponse> Fetch(const std::string& caller,
                                                  const std::string& source,
                                                  const std::string& node_id = "") {
    grpc::ClientContext context;
    Prepare(&context, caller);
    return Fetch(&context, source, node_id);
  }

  // Puts an object of that tenant into the cache.
  void Keep(const std::string& tenant, const std::string& digest, bool is_public = false) {
    auto staging = cache_->Stage();
    ASSERT_THAT(staging, IsOk());
    ASSERT_THAT(staging->OpenContent(), IsOk());
    artifact::NewObject object;
    object.tenant = tenant;
    object.digests = {digest};
    object.tree.bytes = 5;
    object.is_public = is_public;
    ASSERT_THAT(cache_->Insert(*std::move(staging), object, ""), IsOk());
  }
  std::vector<std::string> Listed(const std::string& caller) {
    v1::ListArtifactsResponse response;
    EXPECT_THAT(calls().List(*rpc::Principal::Parse(caller), {}, &response), IsOk());
    EXPECT_EQ(response.node_id(), "n1");
    std::vector<std::string> digests;
    for (const v1::CachedArtifact& cached : response.artifacts()) {
      digests.push_back(cached.digests(0));
    }
    return digests;
  }

  engine::TemporaryDirectory directory_;
  engine::FakePlanner planner_;
  RealClock clock_;
  engine::FakeArtifacts artifacts_;
  rpc::DrainSignal drain_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<artifact::Cache> cache_;
  NodeArtifactParts parts_;
  std::unique_ptr<ArtifactCalls> calls_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::TaskService::Stub> stub_;
};

TEST_F(ArtifactCallsTest, AFetchSaysWhatCameAndHoldsNothing) {
  const auto response = Fetch("client/a", "https://h/x");
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->node_id(), "n1");
  EXPECT_EQ(response->artifact().state(), v1::ArtifactStatus::STATE_READY);
  EXPECT_THAT(artifacts_.held(), IsEmpty());
}

TEST_F(ArtifactCallsTest, AFailureSaysWhetherAnotherTryCanHelp) {
  const absl::Status bad = Fetch("client/a", "https://h/bad").status();
  EXPECT_THAT(bad, StatusIs(absl::StatusCode::kFailedPrecondition,
                            HasSubstr("artifacts[0] 'https://h/bad': wrong digest")));
  EXPECT_EQ(GetReason(bad), "ARTIFACT_FAILED");
  EXPECT_THAT(Fetch("client/a", "https://h/busy").status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("503")));
  EXPECT_THAT(artifacts_.held(), IsEmpty());
}

TEST_F(ArtifactCallsTest, AnotherNodeIsNotThisOne) {
  EXPECT_FALSE(Fetch("client/a", "https://h/x", "n2").ok());
  EXPECT_THAT(Fetch("client/a", "https://h/x", "n1"), IsOk());
  v1::ListArtifactsRequest list;
  list.set_node_id("n2");
  v1::ListArtifactsResponse listed;
  EXPECT_FALSE(calls().List(rpc::Principal::Dev(), list, &listed).ok());
  v1::PruneArtifactsRequest prune;
  prune.set_node_id("n2");
  v1::PruneArtifactsResponse pruned;
  EXPECT_FALSE(calls().Prune(prune, &pruned).ok());
}

TEST_F(ArtifactCallsTest, ANodeThatFetchesNothingSaysSo) {
  parts_ = {};
  const absl::Status none = Fetch("client/a", "https://h/x").status();
  EXPECT_THAT(none, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(GetReason(none), "ARTIFACT_SOURCE_NOT_ALLOWED");
}

TEST_F(ArtifactCallsTest, OneCallerLeavesRoomForAnotherAndNobodyHasMoreThanThereIs) {
  std::vector<std::thread> callers;
  for (const char* caller : {"client/a", "client/a", "client/a"}) {
    callers.emplace_back([=] { EXPECT_THAT(Fetch(caller, "https://h/wait"), IsOk()); });
    artifacts_.AwaitWaiting(static_cast<int>(callers.size()));
  }
  EXPECT_THAT(Fetch("client/a", "https://h/x").status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("the most of one")));
  callers.emplace_back([=] { EXPECT_THAT(Fetch("client/b", "https://h/wait"), IsOk()); });
  artifacts_.AwaitWaiting(4);
  EXPECT_THAT(Fetch("client/c", "https://h/x").status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("which is the most")));
  artifacts_.Let(4);
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(Fetch("client/a", "https://h/x"), IsOk());
}

TEST_F(ArtifactCallsTest, AFetchEndsWithItsCall) {
  grpc::ClientContext context;
  Prepare(&context, "client/a");
  std::thread caller([&] {
    EXPECT_THAT(Fetch(&context, "https://h/wait").status(), StatusIs(absl::StatusCode::kCancelled));
  });
  artifacts_.AwaitWaiting(1);
  context.TryCancel();
  caller.join();
  artifacts_.AwaitWaiting(0);
}

TEST_F(ArtifactCallsTest, AFetchEndsWhenTheServerDrains) {
  std::thread caller(
      [&] { EXPECT_EQ(GetReason(Fetch("client/a", "https://h/wait").status()), "SHUTTING_DOWN"); });
  artifacts_.AwaitWaiting(1);
  drain_.Fire();
  caller.join();
  artifacts_.AwaitWaiting(0);
}

TEST_F(ArtifactCallsTest, TheEndOfTheCallsIsTheEndOfTheirFetches) {
  std::thread caller([&] { EXPECT_FALSE(Fetch("client/a", "https://h/wait").ok()); });
  artifacts_.AwaitWaiting(1);
  calls_.reset();
  artifacts_.AwaitWaiting(0);
  caller.join();
}

TEST_F(ArtifactCallsTest, ATenantSeesItsOwnAndWhatIsEverybodysAnOperatorAll) {
  Keep("client/a", "sha256:1");
  Keep("client/b", "sha256:2");
  Keep("client/b", "sha256:3", /*is_public=*/true);
  EXPECT_THAT(Listed("client/a"), testing::UnorderedElementsAre("sha256:1", "sha256:3"));
  EXPECT_THAT(Listed("client/c"), ElementsAre("sha256:3"));
  EXPECT_EQ(Listed("admin/o").size(), 3u);
  EXPECT_EQ(Listed("dev").size(), 3u);
}

TEST_F(ArtifactCallsTest, PruneSaysHowMuchWent) {
  Keep("client/a", "sha256:1");
  Keep("client/a", "sha256:2");
  v1::PruneArtifactsResponse pruned;
  ASSERT_THAT(calls().Prune({}, &pruned), IsOk());
  EXPECT_EQ(pruned.artifacts(), 2u);
  EXPECT_EQ(pruned.bytes(), 10u);
  EXPECT_THAT(Listed("admin/o"), IsEmpty());
}

}  // namespace
}  // namespace cloister::executor
