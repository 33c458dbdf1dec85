#include "services/frontend/node_service.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/frontend/testing/test_cluster.h"

namespace cloister::frontend {
namespace {

using ::testing::ElementsAre;

TEST(NodeService, ShowsWhatTheNodeSaidAndWhatItsTasksTake) {
  TestCluster cluster;
  cluster.AddNode("n1", [](v1::Node* node) {
    node->set_version("1.2.3");
    node->set_cgroups("v2");
    node->set_live_tasks(99);
  });
  cluster.Start("r1");
  grpc::ClientContext context;
  v1::GetNodeRequest request;
  request.set_node_id("n1");
  v1::GetNodeResponse response;
  ASSERT_TRUE(cluster.nodes().GetNode(&context, request, &response).ok());
  EXPECT_EQ(response.node().state(), v1::NODE_STATE_READY);
  EXPECT_EQ(response.node().version(), "1.2.3");
  EXPECT_EQ(response.node().cgroups(), "v2");
  EXPECT_EQ(response.node().live_tasks(), 1);
  EXPECT_EQ(response.node().granted_memory_mib(), 300);
  EXPECT_TRUE(response.node().has_register_time());
}

TEST(NodeService, ListsNodesPageByPageWithTheLostOnes) {
  TestCluster cluster;
  for (const char* id : {"n3", "n1", "n2"}) cluster.AddNode(id);
  FakeExecutor& lost = cluster.AddNode("n4");
  cluster.Lose(lost);
  v1::ListNodesRequest request;
  request.set_page_size(3);
  std::vector<std::string> listed;
  do {
    grpc::ClientContext context;
    v1::ListNodesResponse page;
    ASSERT_TRUE(cluster.nodes().ListNodes(&context, request, &page).ok());
    for (const v1::Node& node : page.nodes()) {
      listed.push_back(node.id() + (node.state() == v1::NODE_STATE_READY ? "" : " unreachable"));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(listed, ElementsAre("n1", "n2", "n3", "n4 unreachable"));
}

TEST(NodeService, KnowsNoNodeThatNeverJoined) {
  TestCluster cluster;
  grpc::ClientContext context;
  v1::GetNodeRequest request;
  request.set_node_id("n9");
  v1::GetNodeResponse response;
  const grpc::Status status = cluster.nodes().GetNode(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "NODE_UNKNOWN");
}

}  // namespace
}  // namespace cloister::frontend
