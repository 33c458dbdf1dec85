// A cluster whose node fetches from servers of the test's own, for each test.
#ifndef CLOISTER_TESTS_ARTIFACTS_ARTIFACT_FIXTURE_H_
#define CLOISTER_TESTS_ARTIFACTS_ARTIFACT_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "libs/artifact/testing/nginx.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"

namespace cloister {

class ArtifactTest : public ClusterTest {
 protected:
  ArtifactTest();
  ~ArtifactTest() override;

  // What stands in the policy's block `artifact` beside loopback being allowed; by default two
  // attempts.
  virtual std::string Policy() { return "  attempts = 2\n"; }
  LocalClusterOptions Options() override;
  void TearDown() override;

  // What the test's server serves.
  const artifact::ScratchDirectory& www() const { return www_; }
  artifact::Nginx& server() { return *server_; }
  // "sha256:...".
  static std::string Sum(const std::string& content);
  // Packs what lies in the directory `tree` of www() as www()/name.
  void Pack(const std::string& tree, const std::string& name);

  static v1::StartTaskRequest Request(const std::vector<std::string>& command);
  static v1::StartTaskRequest Shell(const std::string& script);
  // Adds an artifact of this source.
  static v1::Artifact* Add(v1::StartTaskRequest* request, const std::string& source,
                           const std::string& checksum = "");
  // What the task wrote; a failure of the test, and its error, if it does not run.
  std::string OutputOf(const v1::StartTaskRequest& request, v1::Task* task = nullptr);
  // What fetches have left in the node's staging directory.
  std::vector<std::string> Unfinished();
  std::string StateDirectory() { return cluster().layout().Node(1).state_directory; }

 private:
  artifact::ScratchDirectory www_;
  std::unique_ptr<artifact::Nginx> server_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_ARTIFACTS_ARTIFACT_FIXTURE_H_
