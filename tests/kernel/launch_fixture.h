// A launch on the real kernel, without services: root template, cgroups of the test's own, a task
// directory.
#ifndef CLOISTER_TESTS_KERNEL_LAUNCH_FIXTURE_H_
#define CLOISTER_TESTS_KERNEL_LAUNCH_FIXTURE_H_

#include <memory>
#include <string>

#include "absl/types/variant.h"
#include "cloister/internal/launcher.pb.h"
#include "cloister/internal/plan.pb.h"
#include "gtest/gtest.h"
#include "libs/launch/launch.h"
#include "libs/launch/launch_site.h"
#include "libs/launch/launch_threads.h"
#include "libs/node/cgroup_facts.h"

namespace cloister {

// What a launch must leave as it was.
struct Residue {
  int descriptors;
  std::string mounts;
  bool children;
};

class LaunchFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Whether tasks are limited: cgroups are root's.
  virtual bool HasCgroups() const { return true; }

  // A plan that any Linux host can carry out: /usr and its links read-only, all kinds of mounts and
  // masks, nobody.
  virtual internal::LaunchPlan DefaultPlan() const;

  // Makes a site whose launches fail at `step`; 0: at none.
  void MakeSite(int step, int error);

  absl::variant<launch::LaunchedTask, internal::LaunchFailure> Launch(internal::LaunchPlan plan);

  // Reads the task's report socket to its end and reaps init; the payload's wait status.
  int AwaitExit(const launch::LaunchedTask& task);

  // All that was written to the task's stdout.
  std::string Output(const launch::LaunchedTask& task);

  Residue Measure() const;

  // Kills and removes the cgroup slots of a launcher that is dead.
  void SweepSlots(const std::string& prefix);

  node::CgroupFacts facts_;
  std::string parent_;
  std::string directory_;
  std::unique_ptr<launch::LaunchSite> site_;

 private:
  void RemoveCgroups() const;

  launch::LaunchThreads* threads_ = nullptr;
};

}  // namespace cloister

#endif  // CLOISTER_TESTS_KERNEL_LAUNCH_FIXTURE_H_
