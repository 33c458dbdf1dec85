#include "services/frontend/forward_stream.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "services/frontend/testing/test_cluster.h"

namespace cloister::frontend {
namespace {

constexpr size_t kChunkBytes = 64 << 10;

v1::ReadLogsRequest LogsOf(const v1::Task& task, uint64_t offset = 0) {
  v1::ReadLogsRequest request;
  request.set_task_id(task.id());
  request.set_stream(v1::LOG_STREAM_STDOUT);
  request.set_offset(offset);
  return request;
}

TEST(ForwardStream, CarriesEveryMessageInOrder) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  node.tasks().SetLogs(100, /*then_hang=*/false);
  grpc::ClientContext context;
  auto logs = cluster.tasks().ReadLogs(&context, LogsOf(task, 7));
  v1::ReadLogsResponse chunk;
  uint64_t next = 7;
  while (logs->Read(&chunk)) {
    EXPECT_EQ(chunk.offset(), next);
    next += chunk.data().size();
  }
  EXPECT_TRUE(logs->Finish().ok());
  EXPECT_EQ(next, 7 + 100 * kChunkBytes);
}

TEST(ForwardStream, CancelsTheExecutorsStreamWithItsCaller) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  node.tasks().SetLogs(1, /*then_hang=*/true);
  grpc::ClientContext context;
  auto logs = cluster.tasks().ReadLogs(&context, LogsOf(task));
  v1::ReadLogsResponse chunk;
  ASSERT_TRUE(logs->Read(&chunk));
  context.TryCancel();
  node.tasks().AwaitCancelled(1);
  EXPECT_FALSE(logs->Read(&chunk));
  EXPECT_EQ(logs->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(ForwardStream, EndsWithItsExecutor) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  node.tasks().SetLogs(1, /*then_hang=*/true);
  grpc::ClientContext context;
  auto logs = cluster.tasks().ReadLogs(&context, LogsOf(task));
  v1::ReadLogsResponse chunk;
  ASSERT_TRUE(logs->Read(&chunk));
  node.StopServing();
  EXPECT_FALSE(logs->Read(&chunk));
  EXPECT_FALSE(logs->Finish().ok());
}

TEST(ForwardStream, IsEndedWhenTheFrontendStops) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  node.tasks().SetLogs(1, /*then_hang=*/true);
  grpc::ClientContext context;
  auto logs = cluster.tasks().ReadLogs(&context, LogsOf(task));
  v1::ReadLogsResponse chunk;
  ASSERT_TRUE(logs->Read(&chunk));
  cluster.frontend().drain().Fire();
  EXPECT_FALSE(logs->Read(&chunk));
  EXPECT_EQ(ReasonOf(logs->Finish()), "SHUTTING_DOWN");
}

// 256 MiB are there to read; what an idle reader gets on its way is a few windows of HTTP/2.
TEST(ForwardStream, LetsASlowReaderSlowTheExecutor) {
  constexpr size_t kChunks = 4096;
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  node.tasks().SetLogs(kChunks, /*then_hang=*/false);
  // A connection of its own, so that only this stream is slow.
  auto stub = v1::TaskService::NewStub(cluster.frontend().NewChannel());
  grpc::ClientContext context;
  auto logs = stub->ReadLogs(&context, LogsOf(task));
  v1::ReadLogsResponse chunk;
  ASSERT_TRUE(logs->Read(&chunk));
  // Time for a frontend without flow control to take in everything: as much work over the same
  // path as that would be.
  for (int i = 0; i < 1000; ++i) {
    v1::Task answer;
    ASSERT_TRUE(cluster.Get(task.id(), &answer).ok());
  }
  EXPECT_LT(node.tasks().chunks_written(), kChunks / 8);
  size_t chunks = 1;
  while (logs->Read(&chunk)) ++chunks;
  EXPECT_TRUE(logs->Finish().ok());
  EXPECT_EQ(chunks, kChunks);
}

TEST(ForwardStream, FailsForATaskThatCannotBeReached) {
  TestCluster cluster;
  FakeExecutor& node = cluster.AddNode("n1");
  const v1::Task task = cluster.Start("r1");
  const auto reason = [&](const v1::ReadLogsRequest& request) {
    grpc::ClientContext context;
    auto logs = cluster.tasks().ReadLogs(&context, request);
    v1::ReadLogsResponse chunk;
    EXPECT_FALSE(logs->Read(&chunk));
    return ReasonOf(logs->Finish());
  };
  EXPECT_EQ(reason({}), "TASK_UNKNOWN");
  cluster.Lose(node);
  EXPECT_EQ(reason(LogsOf(task)), "NODE_UNREACHABLE");
}

}  // namespace
}  // namespace cloister::frontend
