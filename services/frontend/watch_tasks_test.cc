#include "services/frontend/watch_tasks.h"

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/frontend/testing/test_cluster.h"

namespace cloister::frontend {
namespace {

using ::testing::ElementsAre;
using Event = v1::WatchTasksResponse;

class Watch {
 public:
  explicit Watch(TestCluster& cluster, const std::string& task_id = "") {
    v1::WatchTasksRequest request;
    request.set_task_id(task_id);
    reader_ = cluster.tasks().WatchTasks(&context_, request);
  }
  ~Watch() {
    context_.TryCancel();
    if (!finished_) reader_->Finish();
  }

  // The next event, "STARTED" or, of a task of an unreachable node, "NODE_CHANGED:unreachable";
  // empty at the end.
  std::string Next() {
    if (!reader_->Read(&event_)) return "";
    return absl::StrCat(Event::Type_Name(event_.type()).substr(5),
                        event_.task().node_unreachable() ? ":unreachable" : "");
  }
  const v1::Task& task() const { return event_.task(); }
  grpc::Status Finish() {
    finished_ = true;
    return reader_->Finish();
  }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<Event>> reader_;
  Event event_;
  bool finished_ = false;
};

std::vector<std::string> Read(Watch& watch, size_t count) {
  std::vector<std::string> events;
  for (size_t i = 0; i < count; ++i) events.push_back(watch.Next());
  return events;
}

TEST(WatchTasks, BeginsWithTheTasksInOrderOfId) {
  TestCluster cluster;
  cluster.AddNode("n1");
  cluster.AddNode("n2");
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(cluster.Start("r" + std::to_string(i)).id());
  std::sort(ids.begin(), ids.end());
  Watch watch(cluster);
  for (const std::string& id : ids) {
    EXPECT_EQ(watch.Next(), "SNAPSHOT");
    EXPECT_EQ(watch.task().id(), id);
  }
  EXPECT_EQ(watch.Next(), "SYNCED");
  EXPECT_EQ(watch.task().id(), "");
}

TEST(WatchTasks, TellsATasksLifeInOrder) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  Watch watch(cluster);
  EXPECT_EQ(watch.Next(), "SYNCED");
  const v1::Task task = cluster.Start("r1");
  EXPECT_THAT(Read(watch, 2), ElementsAre("CREATED", "STARTED"));
  grpc::ClientContext context;
  v1::StopTaskRequest request;
  request.set_task_id(task.id());
  v1::StopTaskResponse response;
  ASSERT_TRUE(cluster.tasks().StopTask(&context, request, &response).ok());
  node.tasks().Exit(task.id(), 0);
  node.tasks().Remove(task.id());
  EXPECT_THAT(Read(watch, 3), ElementsAre("STOPPING", "ENDED", "DESTROYED"));
}

TEST(WatchTasks, KeepsTheOrderOfEachOfManyTasksOfManyNodes) {
  constexpr int kTasks = 300;
  TestCluster cluster;
  std::map<std::string, FakeExecutor*> nodes;
  for (const char* id : {"n1", "n2", "n3"}) nodes[id] = &cluster.AddNode(id);
  Watch watch(cluster);
  ASSERT_EQ(watch.Next(), "SYNCED");
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = caller; i < kTasks; i += 3) {
        const v1::Task task = cluster.Start("r" + std::to_string(i));
        FakeTaskService& tasks = nodes[task.node_id()]->tasks();
        tasks.Exit(task.id(), 0);
        tasks.Remove(task.id());
      }
    });
  }
  std::map<std::string, std::vector<std::string>> told;
  for (int ended = 0; ended < kTasks;) {
    const std::string event = watch.Next();
    told[watch.task().id()].push_back(event);
    if (event == "DESTROYED") ++ended;
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(told.size(), static_cast<size_t>(kTasks));
  for (const auto& [id, events] : told) {
    EXPECT_THAT(events, ElementsAre("CREATED", "STARTED", "ENDED", "DESTROYED")) << id;
  }
}

TEST(WatchTasks, TellsOfANodeLostAndRegained) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  Watch watch(cluster);
  EXPECT_THAT(Read(watch, 2), ElementsAre("SNAPSHOT", "SYNCED"));
  cluster.Lose(node);
  EXPECT_EQ(watch.Next(), "NODE_CHANGED:unreachable");
  node.tasks().Exit(task.id(), 0);
  Watch meanwhile(cluster);
  EXPECT_EQ(meanwhile.Next(), "SNAPSHOT:unreachable");
  cluster.Join(node);
  EXPECT_THAT(Read(watch, 2), ElementsAre("NODE_CHANGED", "ENDED"));
}

TEST(WatchTasks, OfOneTaskEndsWithIt) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  cluster.Start("r2");
  Watch watch(cluster, task.id());
  EXPECT_THAT(Read(watch, 2), ElementsAre("SNAPSHOT", "SYNCED"));
  cluster.Start("r3");
  node.tasks().Exit(task.id(), 0);
  node.tasks().Remove(task.id());
  EXPECT_THAT(Read(watch, 3), ElementsAre("ENDED", "DESTROYED", ""));
  EXPECT_TRUE(watch.Finish().ok());
}

TEST(WatchTasks, OfAnUnknownTaskFails) {
  TestCluster cluster;
  cluster.AddNode("n1");
  Watch watch(cluster, "unheard-of");
  EXPECT_EQ(watch.Next(), "");
  EXPECT_EQ(ReasonOf(watch.Finish()), "TASK_UNKNOWN");
}

TEST(WatchTasks, EndsAReaderThatFallsTooFarBehind) {
  TestFrontend::Options options;
  options.watch_limit = 10;
  TestCluster cluster(options);
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  Watch watch(cluster);
  EXPECT_THAT(Read(watch, 2), ElementsAre("SNAPSHOT", "SYNCED"));
  // More than the connection's windows hold.
  v1::StartTaskRequest request = MakeStart("large");
  request.mutable_config()->mutable_config()->add_args(std::string(1 << 20, 'x'));
  for (int i = 0; i < 200; ++i) {
    request.set_request_id("large" + std::to_string(i));
    grpc::ClientContext context;
    v1::StartTaskResponse response;
    ASSERT_TRUE(cluster.tasks().StartTask(&context, request, &response).ok());
    node.tasks().Remove(response.task().id());
  }
  while (!watch.Next().empty()) {
  }
  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "WATCH_OVERFLOW");
}

TEST(WatchTasks, IsEndedWhenTheFrontendStops) {
  TestCluster cluster;
  cluster.AddNode("n1");
  Watch watch(cluster);
  EXPECT_EQ(watch.Next(), "SYNCED");
  cluster.frontend().drain().Fire();
  EXPECT_EQ(watch.Next(), "");
  EXPECT_EQ(ReasonOf(watch.Finish()), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace cloister::frontend
