// ClusterTest: a LocalCluster for each test, and the leftover check behind it.
//
//   class ExitTest : public cloister::ClusterTest {};
//   TEST_F(ExitTest, CodeIsTheTasksOwn) {
//     absl::StatusOr<TaskOutcome> outcome = cluster().Run({Payload("exit_code"), "7"});
//     ASSERT_THAT(outcome, IsOk());
//     EXPECT_EQ(outcome->task.exit_result().exit_code(), 7);
//   }
//
// Where no cluster can run (no root), the test is skipped and says why; with --config=root it
// fails.
#ifndef CLOISTER_TESTS_TESTING_CLUSTER_FIXTURE_H_
#define CLOISTER_TESTS_TESTING_CLUSTER_FIXTURE_H_

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/testing/local_cluster.h"

namespace cloister {

class ClusterTest : public ::testing::Test {
 protected:
  // What the cluster shall be; overridden by a test that needs it otherwise.
  virtual LocalClusterOptions Options() { return {}; }

  // Whether the test is about a cluster of whoever runs it, root or not.
  virtual bool RunsWithoutRoot() const { return false; }

  void SetUp() override;
  // Stops the cluster and fails the test for everything that it left, naming it; then shows what
  // the services said.
  void TearDown() override;

  LocalCluster& cluster() { return *cluster_; }

  // Path inside a task's root of one of //tests/payloads.
  static std::string Payload(const std::string& name) { return "/payloads/" + name; }

 private:
  std::unique_ptr<LocalCluster> cluster_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_CLUSTER_FIXTURE_H_
