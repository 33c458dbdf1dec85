// Programs of profiles, each compiled once.
#ifndef CLOISTER_LIBS_SECCOMP_PROGRAM_CACHE_H_
#define CLOISTER_LIBS_SECCOMP_PROGRAM_CACHE_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "cloister/internal/plan.pb.h"
#include "libs/seccomp/compile.h"

namespace cloister::seccomp {

// One profile, whole and in two parts.
struct CompiledProfile {
  std::string whole;
  SplitProgram split;
};

// Thread-safe.
class ProgramCache {
 public:
  // The program of the profile that the plan names. FAILED_PRECONDITION if this version makes
  // another one under that name: the plan is of another version.
  absl::StatusOr<std::shared_ptr<const CompiledProfile>> Get(const internal::SeccompFilter& filter)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Mutex mutex_;
  // By hash. As many as there are sets of capabilities that open calls; few.
  std::map<std::string, std::shared_ptr<const CompiledProfile>> programs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace cloister::seccomp

#endif  // CLOISTER_LIBS_SECCOMP_PROGRAM_CACHE_H_
