#include "services/executor/node_session.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "cloister/v1/node_session.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/clock.h"

namespace cloister::executor {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

// A frontend that writes down what it is told. Each stream is a thread here.
class FakeFrontend final : public v1::NodeSession::Service {
 public:
  struct Behaviour {
    bool acknowledge = true;
    int64_t heartbeat_ms = 5000;
    grpc::Status refuse;
  };

  FakeFrontend() { Serve("127.0.0.1:0"); }
  ~FakeFrontend() override { Stop(); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    server_.reset();
  }
  void StartAgain() { Serve(address()); }

  void Behave(Behaviour behaviour) {
    absl::MutexLock lock(&mu_);
    behaviour_ = std::move(behaviour);
  }

  // The next thing that was told: "join", "task a RUNNING", "destroyed a", "synced", "beat".
  std::string Next() {
    absl::MutexLock lock(
        &mu_, absl::Condition(
                  +[](std::deque<std::string>* told) { return !told->empty(); }, &told_));
    std::string next = std::move(told_.front());
    told_.pop_front();
    return next;
  }
  std::vector<std::string> Read(size_t count) {
    std::vector<std::string> read;
    while (read.size() < count) read.push_back(Next());
    return read;
  }
  v1::RegisterNode last_register() {
    absl::MutexLock lock(&mu_);
    return last_register_;
  }

  grpc::Status Join(grpc::ServerContext*,
                    grpc::ServerReaderWriter<v1::JoinResponse, v1::JoinRequest>* stream) override {
    v1::JoinRequest request;
    while (stream->Read(&request)) {
      Behaviour behaviour;
      {
        absl::MutexLock lock(&mu_);
        behaviour = behaviour_;
        Note(request);
      }
      if (!behaviour.refuse.ok()) return behaviour.refuse;
      v1::JoinResponse response;
      response.set_frontend_id("fake");
      response.set_heartbeat_interval_ms(behaviour.heartbeat_ms);
      if (behaviour.acknowledge) response.set_acked_sequence(request.status().sequence());
      if (behaviour.acknowledge || request.has_register_()) stream->Write(response);
    }
    return grpc::Status::OK;
  }

 private:
  void Serve(const std::string& address) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void Note(const v1::JoinRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (request.has_register_()) {
      last_register_ = request.register_();
      told_.push_back("join");
      return;
    }
    const v1::NodeStatus& status = request.status();
    for (const v1::Task& task : status.tasks()) {
      told_.push_back(
          absl::StrCat("task ", task.id(), " ", v1::TaskState_Name(task.state()).substr(11)));
    }
    for (const std::string& id : status.destroyed_task_ids()) {
      told_.push_back(absl::StrCat("destroyed ", id));
    }
    if (status.synced()) told_.push_back("synced");
    if (status.tasks().empty() && status.destroyed_task_ids().empty() && !status.synced()) {
      told_.push_back("beat");
    }
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  absl::Mutex mu_;
  Behaviour behaviour_ ABSL_GUARDED_BY(mu_);
  std::deque<std::string> told_ ABSL_GUARDED_BY(mu_);
  v1::RegisterNode last_register_ ABSL_GUARDED_BY(mu_);
};

v1::Task MakeTask(const std::string& id, v1::TaskState state, uint64_t revision) {
  v1::Task task;
  task.set_id(id);
  task.set_state(state);
  task.set_revision(revision);
  return task;
}

class NodeSessionTest : public ::testing::Test {
 protected:
  NodeSessionOptions Options(std::vector<std::string> frontends) {
    NodeSessionOptions options;
    options.frontends = std::move(frontends);
    options.dial = [](const std::string& address) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    };
    options.node.set_id("n1");
    options.node.set_address("unix:/executor");
    options.boot_id = "boot";
    options.snapshot = [] {
      return std::vector<v1::Task>{MakeTask("a", v1::TASK_STATE_RUNNING, 1)};
    };
    options.on_lost = [this](absl::string_view, const absl::Status& why) {
      absl::MutexLock lock(&mu_);
      lost_.push_back(why);
    };
    options.min_retry = absl::Milliseconds(5);
    options.max_retry = absl::Milliseconds(20);
    return options;
  }

  absl::Status NextLoss() {
    absl::MutexLock lock(
        &mu_, absl::Condition(
                  +[](std::deque<absl::Status>* lost) { return !lost->empty(); }, &lost_));
    absl::Status loss = std::move(lost_.front());
    lost_.pop_front();
    return loss;
  }

  const RealClock clock_{};
  FakeFrontend frontend_;
  absl::Mutex mu_;
  std::deque<absl::Status> lost_ ABSL_GUARDED_BY(mu_);
};

TEST_F(NodeSessionTest, TellsAllTasksAndThenEveryChange) {
  NodeSession session(Options({frontend_.address()}), &clock_);
  EXPECT_THAT(frontend_.Read(3), ElementsAre("join", "task a RUNNING", "synced"));
  EXPECT_EQ(frontend_.last_register().node().id(), "n1");
  EXPECT_EQ(frontend_.last_register().boot_id(), "boot");
  session.Update(MakeTask("a", v1::TASK_STATE_EXITED, 2));
  EXPECT_EQ(frontend_.Next(), "task a EXITED");
  session.Destroyed("a");
  EXPECT_EQ(frontend_.Next(), "destroyed a");
}

TEST_F(NodeSessionTest, TellsAllAnewToAFrontendThatComesBack) {
  NodeSession session(Options({frontend_.address()}), &clock_);
  EXPECT_THAT(frontend_.Read(3), ElementsAre("join", "task a RUNNING", "synced"));
  const std::string incarnation = frontend_.last_register().incarnation();
  frontend_.Stop();
  session.Update(MakeTask("gone", v1::TASK_STATE_RUNNING, 5));
  frontend_.StartAgain();
  EXPECT_THAT(frontend_.Read(3), ElementsAre("join", "task a RUNNING", "synced"));
  EXPECT_EQ(frontend_.last_register().incarnation(), incarnation) << "the same executor";
}

TEST_F(NodeSessionTest, KeepsOneSessionToEachFrontend) {
  FakeFrontend other;
  NodeSession session(Options({frontend_.address(), other.address()}), &clock_);
  EXPECT_THAT(frontend_.Read(3), ElementsAre("join", "task a RUNNING", "synced"));
  EXPECT_THAT(other.Read(3), ElementsAre("join", "task a RUNNING", "synced"));
  other.Stop();
  session.Update(MakeTask("b", v1::TASK_STATE_RUNNING, 2));
  EXPECT_EQ(frontend_.Next(), "task b RUNNING") << "whatever becomes of the other";
}

TEST_F(NodeSessionTest, SendsHeartbeatsAsOftenAsTheFrontendSays) {
  frontend_.Behave({.heartbeat_ms = 10});
  NodeSession session(Options({frontend_.address()}), &clock_);
  EXPECT_THAT(frontend_.Read(5), ElementsAre("join", "task a RUNNING", "synced", "beat", "beat"));
}

TEST_F(NodeSessionTest, LeavesAFrontendThatSaysNothing) {
  frontend_.Behave({.acknowledge = false, .heartbeat_ms = 10});
  NodeSession session(Options({frontend_.address()}), &clock_);
  EXPECT_FALSE(NextLoss().ok());
  frontend_.Behave({});
  while (frontend_.Next() != "join") {
  }
}

TEST_F(NodeSessionTest, TriesAgainWhenItIsRefused) {
  frontend_.Behave({.refuse = {grpc::StatusCode::ALREADY_EXISTS, "node id in use"}});
  NodeSession session(Options({frontend_.address()}), &clock_);
  EXPECT_EQ(NextLoss().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(NextLoss().code(), absl::StatusCode::kAlreadyExists);
  frontend_.Behave({});
  while (frontend_.Next() != "synced") {
  }
}

TEST_F(NodeSessionTest, CoalescesWhatAStalledFrontendHasNotTaken) {
  frontend_.Behave({.acknowledge = false});
  NodeSession session(Options({frontend_.address()}), &clock_);
  EXPECT_THAT(frontend_.Read(3), ElementsAre("join", "task a RUNNING", "synced"));
  // The window fills; then only the newest state waits.
  for (uint64_t i = 0; i < 10000; ++i) {
    session.Update(MakeTask("b", v1::TASK_STATE_RUNNING, i));
  }
  session.Update(MakeTask("b", v1::TASK_STATE_EXITED, 20000));
  session.Destroyed("b");
  frontend_.Stop();
  int told = 0;
  frontend_.Behave({});
  frontend_.StartAgain();
  for (std::string next = frontend_.Next(); next != "join"; next = frontend_.Next()) ++told;
  EXPECT_LE(told, 16);
}

TEST_F(NodeSessionTest, KeepsTryingAnAddressThatCannotBeDialled) {
  NodeSessionOptions options = Options({"x"});
  options.dial = [](const std::string&) -> absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>> {
    return absl::InvalidArgumentError("no address");
  };
  NodeSession session(std::move(options), &clock_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(NextLoss().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(NodeSessionTest, EndsInEveryStateWithoutWaitingForAnybody) {
  FakeFrontend silent;
  silent.Behave({.acknowledge = false});
  for (int i = 0; i < 50; ++i) {
    NodeSession session(
        Options({frontend_.address(), silent.address(), "127.0.0.1:1", "unix:/nowhere"}), &clock_);
    for (int told = 0; told < i % 4; ++told) frontend_.Next();
  }
}

TEST_F(NodeSessionTest, TakesUpdatesFromManyThreads) {
  NodeSession session(Options({frontend_.address()}), &clock_);
  EXPECT_THAT(frontend_.Read(3), ElementsAre("join", "task a RUNNING", "synced"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&session, t] {
      for (int i = 0; i < 250; ++i) {
        session.Update(MakeTask(absl::StrCat("t", t, "-", i), v1::TASK_STATE_RUNNING, 1));
      }
    });
  }
  for (const std::string& told : frontend_.Read(1000)) EXPECT_THAT(told, StartsWith("task t"));
  for (std::thread& thread : threads) thread.join();
}

TEST(MakeIncarnation, SortsByTheOrderOfStarts) {
  const RealClock clock;
  std::string last = MakeIncarnation(clock);
  for (int i = 0; i < 100; ++i) {
    const std::string next = MakeIncarnation(clock);
    EXPECT_LT(last, next);
    last = next;
  }
}

}  // namespace
}  // namespace cloister::executor
