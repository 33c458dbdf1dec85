// Low descriptor numbers, kept free for children. A child shares the launcher's descriptor table
// until its FDS step copies what lies below first_foreign(): so what it keeps must be low, and all
// else of the launcher must be high.
#ifndef CLOISTER_LIBS_LAUNCH_LOW_FDS_H_
#define CLOISTER_LIBS_LAUNCH_LOW_FDS_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace launch {

// Thread-safe. Made once, early in main(), before the launcher opens much.
class LowFds {
 public:
  static constexpr int kBlockSize = 4;
  static constexpr int kBlocks = 16;
  static constexpr int kFirst = 5;

  // Numbers of one child, in order: stdin, stdout, stderr, report. Given back when it goes.
  class Block {
   public:
    Block(LowFds* owner, int first) : owner_(owner), first_(first) {}
    ~Block();
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    // Puts a copy of `fd` on number `index` of the block.
    absl::Status Place(int index, int fd) const;
    int Number(int index) const { return first_ + index; }

   private:
    LowFds* const owner_;
    const int first_;
  };

  // Takes all numbers from kFirst to first_foreign(). FAILED_PRECONDITION when one of them is in
  // use.
  static absl::StatusOr<std::unique_ptr<LowFds>> Reserve();

  // Frees the numbers. No block is out.
  ~LowFds();
  LowFds(const LowFds&) = delete;
  LowFds& operator=(const LowFds&) = delete;

  // Waits until a block is free.
  std::unique_ptr<Block> Take() ABSL_LOCKS_EXCLUDED(mutex_);

  // Number of a copy of `fd` that children may use, below first_foreign(): for init's memfd.
  absl::StatusOr<int> PlaceShared(int fd);

  static constexpr int first_foreign() { return kFirst + 1 + kBlocks * kBlockSize; }

 private:
  LowFds() = default;

  // /dev/null; stands on all numbers that are not in use, to keep them from others.
  OwnedFd null_;
  // Numbers below this one are ours.
  int end_ = kFirst;
  absl::Mutex mutex_;
  std::vector<int> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_LOW_FDS_H_
