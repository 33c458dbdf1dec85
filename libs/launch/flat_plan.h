// A LaunchPlan as the child can use it: plain arrays and C strings, all made before the clone.
#ifndef CLOISTER_LIBS_LAUNCH_FLAT_PLAN_H_
#define CLOISTER_LIBS_LAUNCH_FLAT_PLAN_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cloister/internal/plan.pb.h"
#include "libs/base/owned_fd.h"
#include "libs/launch/child.h"
#include "libs/launch/task_owner.h"

namespace cloister {
namespace launch {

// Holds pointers into the plan, which must outlive it. Not copyable: the context points into it.
class FlatPlan {
 public:
  // INVALID_ARGUMENT for a plan that no planner of ours makes: an unknown kind, too many mounts.
  // The launcher carries out what it is told by a trusted executor, but never guesses.
  static absl::StatusOr<std::unique_ptr<FlatPlan>> Make(const internal::LaunchPlan& plan,
                                                        uint64_t thread_bounding);

  FlatPlan(const FlatPlan&) = delete;
  FlatPlan& operator=(const FlatPlan&) = delete;

  // Gives mount `index` its detached tree, to be moved into place.
  void SetTree(int index, int tree_fd) { mounts_[static_cast<size_t>(index)].tree = tree_fd; }

  // The same for one that waits at a path of the root; see kStagedTree.
  void SetStaged(int index, std::string path) {
    const size_t i = static_cast<size_t>(index);
    mount_options_[i] = std::move(path);
    mounts_[i].tree = kStagedTree;
    mounts_[i].options = mount_options_[i].c_str();
  }

  // Everything but the descriptors and the seccomp program, which the caller fills in.
  ChildContext& context() { return context_; }

 private:
  FlatPlan() = default;
  absl::Status AddMounts(const internal::LaunchPlan& plan);
  absl::Status AddMasks(const internal::LaunchPlan& plan);
  void AddLandlock(const internal::Landlock& landlock);
  void AddUserNamespace(const internal::Identity& identity);
  void AddExec(const internal::Exec& exec);
  void AddNames(const internal::LaunchPlan& plan);

  ChildContext context_{};
  std::vector<ChildMount> mounts_;
  std::vector<std::string> mount_options_;
  std::vector<ChildCopy> copies_;
  std::vector<ChildMask> masks_;
  std::vector<ChildRlimit> rlimits_;
  std::vector<ChildLandlockRule> landlock_rules_;
  std::vector<uint32_t> groups_;
  std::string oom_score_adj_;
  std::vector<const char*> files_;
  std::vector<ChildFile> file_contents_;
  std::string file_options_;
  std::vector<char*> argv_;
  std::vector<char*> env_;
  IdMaps maps_;
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_FLAT_PLAN_H_
