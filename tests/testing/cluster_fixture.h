// ClusterTest: a LocalCluster for each test, or one for a suite, and the leftover check behind
// each.
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

  // Whether the tests of a suite, one after the other, have one cluster, as long as their options
  // are the same: starting one takes longer than most tests do, in the guest by far. For tests that
  // do nothing to it but start tasks.
  virtual bool SharesItsCluster() const { return false; }

  void SetUp() override;
  // Stops the cluster and fails the test for everything that it left, naming it; then shows what
  // the services said. One that is shared goes on, unless the test failed: then it is the tasks
  // that are destroyed, and what they left that fails the test.
  void TearDown() override;
  // The same of a cluster that was shared.
  static void TearDownTestSuite();

  LocalCluster& cluster() { return *cluster_; }

  // Path inside a task's root of one of //tests/payloads.
  static std::string Payload(const std::string& name) { return "/payloads/" + name; }

 private:
  void DestroyTasks();

  LocalClusterOptions options_;
  std::unique_ptr<LocalCluster> cluster_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_TESTING_CLUSTER_FIXTURE_H_
