// A cluster that tasks attack, in each cell of the matrix: who the task is, whether its ids are its
// own, and whether the cluster is root's or an ordinary user's.
//
// Behind each test stand the canaries (canaries.h) and the leftover check, and the services have to
// answer.
#ifndef CLOISTER_TESTS_ATTACK_ATTACK_FIXTURE_H_
#define CLOISTER_TESTS_ATTACK_ATTACK_FIXTURE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/attack/canaries.h"
#include "tests/testing/cluster_fixture.h"
#include "tests/testing/local_cluster.h"

namespace cloister {

struct Cell {
  std::string name;
  // TaskConfig.user; empty: the node's default.
  std::string user;
  // A user namespace with ids of its own.
  bool own_ids = false;
};

// Whether the cluster is an ordinary user's (CLOISTER_ATTACK_ROOTLESS), and whether that user has a
// range of ids ("range") or the one alone.
bool IsRootless();
bool HasIdRange();

// Whether tasks have limits: a user's, where the environment says that the user has a cgroup.
constexpr char kLimited[] = "CLOISTER_ATTACK_LIMITED";
bool HasLimits();

// The matrix: of root's cluster four cells, two where nothing can be id-mapped; of an ordinary
// user's three, as no task is the user who started it, or one.
std::vector<Cell> Cells();
std::string CellName(const testing::TestParamInfo<Cell>& info);

class AttackTest : public ClusterTest, public testing::WithParamInterface<Cell> {
 protected:
  LocalClusterOptions Options() override;
  bool RunsWithoutRoot() const override { return IsRootless(); }
  void SetUp() override;
  void TearDown() override;

  // Further lines of the node's policy.
  virtual std::string Policy() { return ""; }

  // Tasks of the test's cell.
  v1::StartTaskRequest Command(const std::vector<std::string>& words) const;
  v1::StartTaskRequest Sh(const std::string& script) const;
  static v1::ExecConfig* ConfigOf(v1::StartTaskRequest* request) {
    return request->mutable_config()->mutable_config();
  }
  // The volume that all tasks may write, on `inside`; data() on the host. Read-only where a task
  // can have it so alone.
  void MountData(const std::string& inside, v1::StartTaskRequest* request) const;
  // Without root nobody maps the ids of a directory of the node.
  bool HasReadOnlyDirectories() const { return IsRootless() && GetParam().own_ids; }
  const std::string& data() const { return data_; }

  // Runs it to its end and forgets it. A start that fails fails the test.
  TaskOutcome Run(const v1::StartTaskRequest& request);
  // Of one that may be refused: nothing, if it was.
  std::string OutputIfItRuns(const v1::StartTaskRequest& request);
  // Starts it and waits until it has said `word`; "": anything, or has ended. Its id.
  std::string StartUntil(const v1::StartTaskRequest& request, const std::string& word);
  void Destroy(const std::string& id);
  // All that it has said, once it has ended.
  std::string Await(const std::string& id);

  // Two names of the host change places until both sides had their turns: `start` at least as often
  // as asked, and the exchange Flips() times. Reports both.
  void Race(const char* attack, const std::string& one, const std::string& other, long starts,
            const std::function<void()>& start);

  // Lines "NAME NUMBER".
  static std::map<std::string, long> Numbers(const std::string& text);

  Canaries& canaries() { return *canaries_; }
  // On the host; for tasks see Payload.
  static std::string HostPayload(const std::string& name);

  // Made when the options are asked for.
  std::string directory_;

 private:
  std::string data_;
  std::unique_ptr<Canaries> canaries_;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_ATTACK_ATTACK_FIXTURE_H_
