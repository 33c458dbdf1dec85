// A cluster of an ordinary user's, for each test.
#ifndef CLOISTER_TESTS_ROOTLESS_ROOTLESS_FIXTURE_H_
#define CLOISTER_TESTS_ROOTLESS_ROOTLESS_FIXTURE_H_

#include <map>
#include <string>
#include <vector>

#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"

namespace cloister {

class RootlessTest : public ClusterTest {
 protected:
  bool RunsWithoutRoot() const override { return true; }

  static v1::StartTaskRequest Request(const std::vector<std::string>& command);
  // What it wrote; a failure of the test if it does not run.
  std::string OutputOf(const v1::StartTaskRequest& request);
  std::string OutputOf(const std::vector<std::string>& command);
  std::string Shell(const std::string& script) { return OutputOf({"/bin/sh", "-c", script}); }
  // The fields of print_status, "CapEff" and so on.
  std::map<std::string, std::string> StatusOf(v1::StartTaskRequest request);
  // Of /proc/self/mountinfo, by mount point: options, file system. The last on a place counts.
  std::map<std::string, std::string> Mounts();
  // Why it is refused: the error's reason.
  std::string RefusalOf(const v1::StartTaskRequest& request);
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_ROOTLESS_ROOTLESS_FIXTURE_H_
