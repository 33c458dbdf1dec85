// Job files run on real clusters by `cloister run FILE`, each on a node of the policy that it asks
// for. A cluster is started when its policy is first needed, serves all tests of the program, and
// is looked over at the end.
#ifndef CLOISTER_TESTS_CONFORMANCE_CONFORMANCE_FIXTURE_H_
#define CLOISTER_TESTS_CONFORMANCE_CONFORMANCE_FIXTURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/cloister_program.h"
#include "tests/testing/local_cluster.h"

namespace cloister {

// Each with the volumes "data" (anybody may write to it), "tools" and "more-tools", read-only,
// which hold a script `tool` that prints its path and arguments.
inline constexpr char kDefaultPolicy[] = "";
inline constexpr char kAllAllowed[] =
    "allow_caps = [\"all\"]\nallow_host_pid_mode = true\nallow_host_ipc_mode = true\n";
inline constexpr char kHostModes[] = "default_pid_mode = \"host\"\ndefault_ipc_mode = \"host\"\n";
inline constexpr char kFewAllowed[] = "allow_caps = [\"fowner\", \"mknod\"]\n";
inline constexpr char kNobodyDenied[] = "denied_host_uids = \"65000-65534\"\n";
inline constexpr char kFileSources[] = "artifact {\n file_sources = [\"/usr/bin\"]\n}\n";
inline constexpr char kNoPivotRoot[] = "no_pivot_root = true\nallow_caps = [\"chown\", \"kill\"]\n";

class ConformanceTest : public ::testing::Test {
 protected:
  void SetUp() override;
  static void TearDownTestSuite();

  // `cloister VERB FLAGS... FILE` with a file of that text.
  static Said Cloister(const std::string& verb, const std::string& text,
                       const std::string& policy = kDefaultPolicy,
                       const std::vector<std::string>& flags = {});
  static Said Run(const std::string& text, const std::string& policy = kDefaultPolicy) {
    return Cloister("run", text, policy);
  }
  // Started on the policy's cluster if there is none yet. Null after a failure of the test.
  static LocalCluster* Cluster(const std::string& policy);
  // The directory on the node that stands behind a volume.
  static std::string VolumeDirectory(const std::string& volume);
};

// What this process, and so the node, has to give: in many containers root lacks some.
uint64_t NodeCapabilities();

// A task "t" with this config block; `more` stands beside the block, `outside` in the file beside
// the task.
std::string TaskFile(const std::string& config, const std::string& more = "",
                     const std::string& outside = "");
// One that runs a script in /bin/sh: `script` must not hold quotes, and "$${" for "${".
std::string ScriptFile(const std::string& script, const std::string& config = "",
                       const std::string& more = "", const std::string& outside = "");

}  // namespace cloister

#endif  // CLOISTER_TESTS_CONFORMANCE_CONFORMANCE_FIXTURE_H_
