// A cgroup parent of the test's own on this machine, "cloister-test-<pid>", and processes in it. At
// the end the test is back where it came from, and nothing of the parent is left in any hierarchy:
// that is asserted.
#ifndef CLOISTER_TESTS_KERNEL_CGROUP_CGROUP_FIXTURE_H_
#define CLOISTER_TESTS_KERNEL_CGROUP_CGROUP_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "cloister/internal/plan.pb.h"
#include "libs/cgroup/placement.h"
#include "libs/cgroup/slot.h"
#include "libs/node/cgroup_facts.h"
#include "libs/os/pidfd.h"

namespace cloister::cgroup {

struct Member {
  pid_t pid = 0;
  PidFd pidfd;
};

class CgroupFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // What this machine places a task by; with no_unified as if it had v1 hierarchies alone.
  internal::CgroupPlan Plan(const TaskLimits& limits = {}) const;
  internal::CgroupPlan PlanOfV1Alone(const TaskLimits& limits = {}) const;
  bool HasV1() const;

  std::shared_ptr<const SlotParents> Parents(const internal::CgroupPlan& plan) const;
  CgroupSlot MakeSlot(const internal::CgroupPlan& plan, const std::string& name) const;

  // Starts a program as the launcher does: born into the slot's v2 cgroup, joining the v1 ones
  // itself. When this returns its exec is done. What is not reaped when the test ends is killed.
  Member& StartIn(const CgroupSlot& slot, const std::vector<std::string>& argv);
  Member& SleepIn(const CgroupSlot& slot);
  // The wait(2) status.
  int WaitFor(Member& member);

  // Removes, trying again while the kernel is still busy with what was killed.
  static absl::Status RemoveSoon(CgroupSlot& slot);

  // Of every hierarchy: is <mount point>/<parent>/<rest> there?
  std::vector<std::string> Existing(const std::string& rest) const;
  static std::string ReadAll(const std::string& path);
  static std::string OwnCgroups() { return ReadAll("/proc/self/cgroup"); }
  // Moves this process to where `facts_` found it.
  void GoBack();

  node::CgroupFacts facts_;
  std::string parent_;

 private:
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace cloister::cgroup

#endif  // CLOISTER_TESTS_KERNEL_CGROUP_CGROUP_FIXTURE_H_
