// The mounts of the machine that the benchmark shows to everything it starts.
#ifndef CLOISTER_TESTS_BENCH_PRIVATE_MOUNTS_H_
#define CLOISTER_TESTS_BENCH_PRIVATE_MOUNTS_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cloister::bench {

// A mount namespace of this program's own, from which nothing reaches the machine's: whatever is
// mounted is gone with the last process in it. Before any other thread is made, and before anything
// is started that should see the mounts.
absl::Status EnterPrivateMounts();

// `count` mounts more, beneath one directory; gone when destroyed.
class ExtraMounts {
 public:
  // `directory` is made. With a count of 0 nothing is.
  static absl::StatusOr<ExtraMounts> Make(const std::string& directory, int count);
  ~ExtraMounts();
  ExtraMounts(ExtraMounts&& other) noexcept;
  ExtraMounts& operator=(ExtraMounts&&) = delete;

 private:
  explicit ExtraMounts(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;
};

// crun refuses to work where a cgroup v2 hierarchy with controllers of its own is at
// /sys/fs/cgroup/unified. Cloister finds its hierarchies wherever they are mounted. So for the time
// of the comparison this one is mounted elsewhere, for everybody.
class UnifiedHierarchyElsewhere {
 public:
  // Moves it to `directory`, which is made; where there is none that crun minds, nothing is done.
  static absl::StatusOr<UnifiedHierarchyElsewhere> Make(const std::string& directory);
  // Moves it back.
  ~UnifiedHierarchyElsewhere();
  UnifiedHierarchyElsewhere(UnifiedHierarchyElsewhere&& other) noexcept;
  UnifiedHierarchyElsewhere& operator=(UnifiedHierarchyElsewhere&&) = delete;

  bool moved() const { return !directory_.empty(); }

 private:
  explicit UnifiedHierarchyElsewhere(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_PRIVATE_MOUNTS_H_
