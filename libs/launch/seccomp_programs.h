// The seccomp programs that the executor has sent, by the hash of their profile. What they say is
// the executor's affair (libs/seccomp).
#ifndef CLOISTER_LIBS_LAUNCH_SECCOMP_PROGRAMS_H_
#define CLOISTER_LIBS_LAUNCH_SECCOMP_PROGRAMS_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "cloister/internal/launcher.pb.h"

namespace cloister {
namespace launch {

// Of one profile: each a sock_fprog, for prctl(PR_SET_SECCOMP).
struct SeccompProgram {
  const void* whole;
  // The same in two parts, or nullptr both: what a launch thread lives under and its tasks inherit,
  // and what each of them adds.
  const void* inherited;
  const void* closing;
};

// Thread-safe.
class SeccompPrograms {
 public:
  SeccompPrograms();
  ~SeccompPrograms();

  // INVALID_ARGUMENT if what it has cannot be arrays of sock_filter, or is one of two parts. The
  // first one of a hash stays.
  absl::Status Add(const internal::AddSeccompProgram& added) ABSL_LOCKS_EXCLUDED(mutex_);

  // Lives as long as *this. nullptr for one that was not added.
  const SeccompProgram* Find(const std::string& hash) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry;

  mutable absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<Entry>> programs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_SECCOMP_PROGRAMS_H_
