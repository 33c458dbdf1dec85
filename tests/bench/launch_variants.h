// Launches of the payload's plan with all of its fence, and without one part of it or with one
// more: what the difference costs is what that part costs. Without services, cgroups and disk,
// which would hide it.
#ifndef CLOISTER_TESTS_BENCH_LAUNCH_VARIANTS_H_
#define CLOISTER_TESTS_BENCH_LAUNCH_VARIANTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cloister/internal/plan.pb.h"
#include "libs/launch/launch_site.h"

namespace cloister::bench {

struct LaunchVariant {
  const char* name;
  void (*change)(internal::LaunchPlan* plan);
};

// The first one is the whole fence.
const std::vector<LaunchVariant>& LaunchVariants();

// What one launch took.
struct LaunchSample {
  // From the call until the payload's exec is told.
  double micros = 0;
  // System calls, of the launching thread, init and the payload, until init has ended. 0 unless
  // they are counted, which is not for nothing: then `micros` says little.
  int64_t calls = 0;
};

// Its threads never end, as launch threads do not: leave by _exit(2).
class VariantLauncher {
 public:
  // Tasks' directory: `directory`. Call before other descriptors are opened (LowFds).
  static absl::StatusOr<std::unique_ptr<VariantLauncher>> Make(const std::string& directory);

  absl::StatusOr<LaunchSample> Launch(const LaunchVariant& variant);
  // After each variant was launched once, as what makes things ready for all counts, too.
  absl::StatusOr<LaunchSample> LaunchAndCount(const LaunchVariant& variant);

  // "seccomp: 462 instructions, ...": how much there is of each part.
  std::string Describe() const;

 private:
  class Lane;

  VariantLauncher() = default;
  absl::StatusOr<LaunchSample> Launch(const LaunchVariant& variant, bool count_calls);

  std::string directory_;
  internal::LaunchPlan plan_;
  std::string sizes_;
  std::unique_ptr<launch::LaunchSite> site_;
  // By the seccomp profile.
  std::map<std::string, Lane*> lanes_;
};

}  // namespace cloister::bench

#endif  // CLOISTER_TESTS_BENCH_LAUNCH_VARIANTS_H_
